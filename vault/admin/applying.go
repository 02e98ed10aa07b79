package admin

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/seal"
	"sourdine/vault/translog"
)

// maxReplies is how many replies a mailbox holds: the source's page opens them
// all at once.
const maxReplies = 50

// An applying is a return parcel in the transaction that applies it. It reads the
// vault as it was before.
type applying struct {
	local  *Local
	change *vault.Change
	returned

	rosters map[string]vault.Roster
	holders map[string][]seal.Holder // of the rosters
	replied map[vault.MailboxID]int  // how many replies each holds by now
	indexed bool                     // the mailboxes were read anew
	done    order.Done
}

// run applies everything, or finds that it was applied before.
func (a *applying) run(receipt *Receipt) error {
	// Who signed may have been removed since, while the parcel arrived.
	if _, err := a.local.signer(a.order.Reviewer); err != nil {
		return err
	}
	desk, _ := a.change.Desk(a.order.Reviewer)
	if before, err := a.local.before(a.order, a.raw, desk); err != nil || before != nil {
		if before != nil {
			receipt.Again, receipt.Note = true, *before
		}
		return err
	}
	a.rosters, a.holders, a.replied = map[string]vault.Roster{}, map[string][]seal.Holder{}, map[vault.MailboxID]int{}
	// Deletions come last: what is deleted may be acknowledged by the same order.
	for _, step := range []func() error{a.acknowledge, a.markOpened, a.reenvelope, a.reply, a.delete} {
		if err := step(); err != nil {
			return err
		}
	}
	note, err := a.sign()
	if err != nil {
		return err
	}
	receipt.Again, receipt.Note = false, note
	return nil
}

// before returns the receipt of the same order, applied earlier. It refuses one
// that is not the next, unless the vault lost those between (see goesOn).
func (l *Local) before(o *order.Return, raw []byte, desk vault.DeskState) (*order.Applied, error) {
	wrong := &SequenceError{Got: o.Sequence, Expected: desk.Sequence + 1}
	switch o.Sequence {
	case desk.Sequence + 1:
		return nil, nil
	case desk.Sequence:
		note, err := order.OpenApplied(desk.Applied, l.publicKey)
		if err != nil {
			return nil, err
		}
		if note.Order == digestOf(raw) {
			return note, nil
		}
	}
	if o.Sequence <= desk.Sequence {
		return nil, wrong
	}
	goesOn, err := l.goesOn(o, desk, wrong)
	if goesOn || err != nil {
		return nil, err
	}
	return nil, wrong
}

// goesOn tells whether an order is the first of its desk after the desk accepted
// that the vault was restored from a backup: what the desk sent between may have
// been applied, and lost. That it did it shows by what it saw, which was compared
// with this log; and from then on orders follow one another again.
func (l *Local) goesOn(o *order.Return, desk vault.DeskState, wrong *SequenceError) (bool, error) {
	restored, ok, err := l.vault.LastRestored()
	if err != nil || !ok || desk.Seen > restored.Size {
		return false, err
	}
	wrong.Restored = o.Seen <= restored.Size
	return !wrong.Restored, nil
}

// sign stores the desk's state with the signed receipt.
func (a *applying) sign() (order.Applied, error) {
	slices.SortFunc(a.done.Refusals, order.CompareRefusals)
	a.done.Refused = len(a.done.Refusals)
	a.done.Refusals = a.done.Refusals[:min(a.done.Refused, order.MaxRefusals)]
	note := order.Applied{VaultKey: a.local.publicKey, Reviewer: a.order.Reviewer,
		Sequence: a.order.Sequence, Order: digestOf(a.raw), Done: a.done}
	signed, err := note.Sign(a.local.secret)
	if err != nil {
		return note, err
	}
	return note, a.change.SetDesk(a.order.Reviewer,
		vault.DeskState{Sequence: a.order.Sequence, Seen: a.order.Seen, Applied: signed})
}

func (a *applying) refuse(list order.List, id string, reason order.Reason) {
	a.done.Refusals = append(a.done.Refusals, order.Refusal{List: list, ID: id, Reason: reason})
}

// may finds a submission that the reviewer may act on: the reviewer is on the
// current roster of its channel. Else it returns the reason why not.
func (a *applying) may(text string) (e vault.Entry, reason order.Reason, err error) {
	e, reason, err = a.find(text)
	reason, err = orDamaged(reason, err)
	return e, reason, err
}

// orDamaged makes damage a reason to refuse the one thing that it is about: with all
// the rest the desk would have to wait for it for ever.
func orDamaged(reason order.Reason, err error) (order.Reason, error) {
	if errors.Is(err, vault.ErrDamaged) {
		return order.ReasonDamaged, nil
	}
	return reason, err
}

func (a *applying) find(text string) (e vault.Entry, reason order.Reason, err error) {
	id, err := vault.ParseID(text)
	if err != nil {
		return e, "", err
	}
	e, err = a.local.vault.Entry(id)
	if errors.Is(err, vault.ErrNotFound) {
		_, logged, err := a.local.vault.LeafOf(id)
		if logged {
			return e, order.ReasonDeleted, err
		}
		return e, order.ReasonUnknown, err
	}
	if err != nil {
		return e, "", fmt.Errorf("submission %s: %w", id, err)
	}
	roster, err := a.roster(e.Channel)
	if err == nil && !slices.ContainsFunc(roster.Members, func(m vault.Member) bool { return m.Fingerprint == a.order.Reviewer }) {
		reason = order.ReasonRole
	}
	return e, reason, err
}

func (a *applying) roster(channel string) (vault.Roster, error) {
	if roster, known := a.rosters[channel]; known {
		return roster, nil
	}
	roster, err := a.local.vault.Roster(channel)
	if err == nil {
		a.rosters[channel] = roster
	}
	return roster, err
}

// each does something with every submission of a list that the reviewer may act
// on, and returns how many there were.
func (a *applying) each(list order.List, ids []string, do func(vault.Entry) error) (n int, err error) {
	for _, id := range ids {
		e, reason, err := a.may(id)
		if err != nil {
			return n, err
		}
		if reason != "" {
			a.refuse(list, id, reason)
			continue
		}
		if err := do(e); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (a *applying) acknowledge() (err error) {
	a.done.Acknowledged, err = a.each(order.ListAcknowledged, a.order.Acknowledged, func(e vault.Entry) error {
		return a.change.Acknowledge(e.ID, a.order.Reviewer)
	})
	return err
}

func (a *applying) markOpened() (err error) {
	a.done.Opened, err = a.each(order.ListOpened, a.order.Opened, func(e vault.Entry) error {
		return a.change.MarkOpened(e.ID)
	})
	return err
}

// delete deletes submissions, and keeps the proof that the log names, which says
// nothing of the rest of the order (vault/order/FORMAT.md, section 2).
func (a *applying) delete() error {
	for _, d := range a.deletions {
		e, reason, err := a.may(d.ID)
		if err != nil {
			return err
		}
		if reason == "" && e.Channel != d.Channel {
			reason = order.ReasonChannel
		}
		if reason == "" {
			reason, err = orDamaged("", a.change.Deletable(e.ID))
		}
		if err != nil {
			return err
		}
		if reason != "" {
			a.refuse(order.ListDeletions, d.ID, reason)
			continue
		}
		if err := a.change.Delete(vault.Deletion{ID: e.ID, Reason: translog.ByOrder, By: a.order.Reviewer, Order: a.order.Deletions}); err != nil {
			return err
		}
		a.done.Deleted++
	}
	if a.done.Deleted == 0 {
		return nil
	}
	return a.change.PutOrder(a.order.Deletions, a.proof)
}

func (a *applying) reenvelope() error {
	for i, ordered := range a.order.Envelopes {
		e, reason, err := a.may(ordered.ID)
		if err != nil {
			return err
		}
		if reason == "" {
			reason, err = a.checkEnvelope(e, ordered, a.envelopes[i])
		}
		if reason == "" && err == nil {
			reason, err = orDamaged("", a.change.Deletable(e.ID))
		}
		switch {
		case err != nil:
			return err
		case reason != "":
			a.refuse(order.ListEnvelopes, ordered.ID, reason)
			continue
		}
		if err := a.change.Reenvelope(e.ID, a.envelopes[i], ordered.Epoch); err != nil {
			return err
		}
		a.done.Envelopes++
	}
	return nil
}

// checkEnvelope refuses one for another roster than the current one: whoever may
// write an envelope could otherwise let somebody in. It refuses one for the roster
// that the submission is sealed to already: it could only shut somebody out.
func (a *applying) checkEnvelope(e vault.Entry, ordered order.Envelope, envelope []byte) (order.Reason, error) {
	roster, err := a.roster(e.Channel)
	if err != nil {
		return "", err
	}
	switch {
	case ordered.Epoch != roster.Epoch:
		return order.ReasonEpoch, nil
	case ordered.Epoch <= e.Epoch:
		return order.ReasonRenewed, nil
	}
	recipients, err := seal.Recipients(envelope)
	if err != nil {
		return order.ReasonForm, nil
	}
	if !seal.NamesExactly(recipients, a.holdersOf(roster), a.local.now()) {
		return order.ReasonRecipients, nil
	}
	return "", nil
}

// holdersOf reads a roster's certificates once for an order: it may have thousands
// of envelopes. Of one that is damaged the holder cannot be named, and must be.
func (a *applying) holdersOf(roster vault.Roster) []seal.Holder {
	if known, ok := a.holders[roster.Channel]; ok {
		return known
	}
	holders := make([]seal.Holder, len(roster.Members))
	for i, m := range roster.Members {
		holders[i], _ = seal.ReadHolder(m.Certificate)
	}
	a.holders[roster.Channel] = holders
	return holders
}

func (a *applying) reply() error {
	for i, r := range a.order.Replies {
		id, reason, err := a.mayReply(r, a.replies[i])
		switch {
		case err != nil:
			return err
		case reason == repliedBefore:
			a.done.Replies++
			continue
		case reason != "":
			a.refuse(order.ListReplies, strconv.Itoa(r.N), reason)
			continue
		}
		if err := a.change.Reply(id, a.replies[i]); err != nil {
			return err
		}
		a.replied[id]++
		a.done.Replies++
	}
	return nil
}

// repliedBefore is no reason to refuse: the mailbox has this very reply. After the
// server was restored a desk sends again what it takes for lost, and the parcel that
// had it may still have come before.
const repliedBefore order.Reason = "replied before"

func (a *applying) mayReply(r order.Reply, sealed []byte) (id vault.MailboxID, reason order.Reason, err error) {
	if !seal.IsMessage(sealed) {
		return id, order.ReasonForm, nil
	}
	id, known, err := a.mailbox(r.Mailbox)
	if err != nil || !known {
		return id, order.ReasonUnknown, err
	}
	if has, err := a.local.vault.HasReply(id, sealed); err != nil || has {
		return id, repliedBefore, err
	}
	if _, counted := a.replied[id]; !counted {
		if a.replied[id], err = a.local.vault.CountReplies(id); err != nil {
			return id, "", err
		}
	}
	if a.replied[id] >= maxReplies {
		return id, order.ReasonFull, nil
	}
	return id, "", nil
}

// mailbox reads the mailboxes anew at most once for an order: unknown ones must
// cost no more than known ones.
func (a *applying) mailbox(fingerprint string) (id vault.MailboxID, known bool, err error) {
	index := &a.local.mailboxes
	if id, known = index.find(fingerprint); known || a.indexed {
		return id, known, nil
	}
	if err := index.read(a.local.vault); err != nil {
		return id, false, err
	}
	a.indexed = true
	id, known = index.find(fingerprint)
	return id, known, nil
}
