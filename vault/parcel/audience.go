package parcel

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// An audience says which submissions a parcel is to carry: those that a reviewer
// may read and has not acknowledged, or, for no reviewer in particular, those
// that somebody has not.
type audience struct {
	vault    *vault.Vault
	reviewer string   // translog.RecipientHash, or empty
	size     int64    // of the log that the parcel shows
	after    vault.ID // submissions up to this one are left out

	rosters map[rosterKey][]string
	logged  int64 // how many submissions are there and in the log at size
}

type rosterKey struct {
	channel string
	epoch   uint64
}

// A wanted submission is one that the parcel is to carry, or one that follows it.
type wanted struct {
	vault.Entry
	leaf       int64
	recipients int
}

func newAudience(v *vault.Vault, r Request, size int64) *audience {
	a := &audience{vault: v, size: size, after: r.After, rosters: map[rosterKey][]string{}}
	if r.Reviewer != "" {
		a.reviewer = translog.RecipientHash(r.Reviewer)
	}
	return a
}

// wanted iterates in the order of the ids. It stops at the first error.
func (a *audience) wanted(ctx context.Context) iter.Seq2[wanted, error] {
	return func(yield func(wanted, error) bool) {
		for e, err := range a.vault.Entries() {
			if err == nil {
				err = ctx.Err()
			}
			var w wanted
			var is bool
			if err == nil {
				w, is, err = a.wants(e)
			}
			if err != nil {
				yield(wanted{}, err)
				return
			}
			if is && !yield(w, nil) {
				return
			}
		}
	}
}

func (a *audience) wants(e vault.Entry) (w wanted, is bool, err error) {
	leaf, logged, err := a.vault.LeafOf(e.ID)
	if err != nil || !logged || leaf >= a.size {
		return w, false, err
	}
	a.logged++
	if bytes.Compare(e.ID[:], a.after[:]) <= 0 {
		return w, false, nil
	}
	recipients, err := a.recipients(e)
	if err != nil {
		return w, false, err
	}
	is, err = a.waits(e.ID, recipients)
	return wanted{Entry: e, leaf: leaf, recipients: len(recipients)}, is, err
}

// waits tells whether the reviewer has not acknowledged a submission that they
// may read; of no reviewer in particular, whether there is one who has not.
// What nobody can acknowledge waits, like [vault.Vault.AckedByAll] has it: it
// must not disappear unseen.
func (a *audience) waits(id vault.ID, recipients []string) (bool, error) {
	if a.reviewer != "" && !slices.Contains(recipients, a.reviewer) {
		return false, nil
	}
	acks, err := a.vault.Acknowledgements(id)
	if err != nil || len(acks) == 0 {
		return err == nil, err
	}
	has := func(by string) bool {
		return slices.ContainsFunc(acks, func(ack vault.Acknowledgement) bool { return ack.By == by })
	}
	if a.reviewer != "" {
		return !has(a.reviewer), nil
	}
	return len(recipients) == 0 || slices.ContainsFunc(recipients, func(by string) bool { return !has(by) }), nil
}

// recipients are those whom a submission is sealed to, by
// [translog.RecipientHash].
func (a *audience) recipients(e vault.Entry) ([]string, error) {
	key := rosterKey{e.Channel, e.Epoch}
	if hashes, ok := a.rosters[key]; ok {
		return hashes, nil
	}
	_, roster, err := a.vault.RosterAt(e.Channel, e.Epoch)
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return nil, err
	}
	hashes := make([]string, 0, len(roster.Members))
	for _, m := range roster.Members {
		hashes = append(hashes, translog.RecipientHash(m.Fingerprint))
	}
	a.rosters[key] = hashes
	return hashes, nil
}
