package desk

import (
	"slices"
	"strconv"

	"sourdine/vault/order"
)

// A State is how far something that was asked of the server has come, as a word
// for programs.
type State string

// The states.
const (
	StateQueued  State = "queued"  // for the next return parcel
	StateSigned  State = "signed"  // in a return parcel that the server has not answered
	StateDone    State = "done"    // the server did it
	StateRefused State = "refused" // the server did not
)

// A TrackedReply is a reply and what became of it.
type TrackedReply struct {
	Reply
	State State
}

// RepliesTo lists the replies to a submission, by day.
func (d *Desk) RepliesTo(id string) ([]TrackedReply, error) {
	h, err := d.history()
	if err != nil {
		return nil, err
	}
	all, err := d.replies()
	if err != nil {
		return nil, err
	}
	var tracked []TrackedReply
	for _, r := range all {
		if r.Submission == id {
			tracked = append(tracked, TrackedReply{r, h.stateOfReply(r.SHA256)})
		}
	}
	return tracked, nil
}

// stateOfReply finds the order that has a reply, if one counts.
func (h *history) stateOfReply(digest string) State {
	if !h.replies[digest] {
		return StateQueued
	}
	for _, o := range h.orders {
		i := slices.IndexFunc(o.order.Replies, func(r order.Reply) bool { return r.SHA256 == digest })
		receipt, applied := h.receiptOf(o)
		if i < 0 || !applied {
			continue
		}
		n := strconv.Itoa(o.order.Replies[i].N)
		if slices.ContainsFunc(receipt.Done.Refusals, func(r order.Refusal) bool { return r.List == order.ListReplies && r.ID == n }) {
			return StateRefused
		}
		return StateDone
	}
	return StateSigned
}

// DeletionState tells how far the order to delete a submission has come, or "".
func (d *Desk) DeletionState(id string) (State, error) {
	queued, err := d.queuedDeletions()
	if err != nil {
		return "", err
	}
	h, err := d.history()
	if err != nil {
		return "", err
	}
	switch _, waits := queued[id]; {
	case waits && h.deletions[id]:
		return StateSigned, nil
	case waits:
		return StateQueued, nil
	}
	for _, o := range slices.Backward(h.orders) {
		receipt, applied := h.receiptOf(o)
		if applied && slices.ContainsFunc(o.deletions, func(x order.Deletion) bool { return x.ID == id }) {
			if refusesDeletion(&receipt, id) {
				return StateRefused, nil
			}
			return StateDone, nil
		}
	}
	return "", nil
}
