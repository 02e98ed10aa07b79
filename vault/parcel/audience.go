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
// that somebody has not. Who is not on a channel's current roster may read nothing of
// it any more.
type audience struct {
	vault    *vault.Vault
	reviewer string   // translog.RecipientHash, or empty
	size     int64    // of the log that the parcel shows
	after    vault.ID // submissions up to this one are left out

	logged  int64             // how many submissions are there and in the log at size
	removed map[string]uint64 // by channel, the epoch for which something was left out
}

// A wanted submission is one that the parcel is to carry, or one that follows it.
type wanted struct {
	vault.Entry
	leaf       int64
	recipients int
	unreadable bool // by the vault, as far as it knows
}

func newAudience(v *vault.Vault, r Request, size int64) *audience {
	a := &audience{vault: v, size: size, after: r.After, removed: map[string]uint64{}}
	if r.Reviewer != "" {
		a.reviewer = translog.RecipientHash(r.Reviewer)
	}
	return a
}

// wanted iterates in the order of the ids. It stops at the first error.
func (a *audience) wanted(ctx context.Context) iter.Seq2[wanted, error] {
	return func(yield func(wanted, error) bool) {
		for e, err := range a.vault.Entries() {
			damaged := e.ID != (vault.ID{}) && errors.Is(err, vault.ErrDamaged)
			if err == nil || damaged {
				err = ctx.Err()
			}
			var w wanted
			var is bool
			if err == nil {
				w, is, err = a.wants(e, damaged)
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

// wants takes one whose header is damaged for one that everybody wants: whom it is
// for nobody can tell.
func (a *audience) wants(e vault.Entry, damaged bool) (w wanted, is bool, err error) {
	leaf, logged, err := a.vault.LeafOf(e.ID)
	if err != nil || !logged || leaf >= a.size {
		return w, false, err
	}
	a.logged++
	if bytes.Compare(e.ID[:], a.after[:]) <= 0 {
		return w, false, nil
	}
	if damaged {
		return wanted{Entry: e, leaf: leaf, unreadable: true}, true, nil
	}
	readers, err := a.vault.Readers(e)
	if err != nil {
		return w, false, err
	}
	is, err = a.waits(e.ID, readers.Still)
	if !is && a.wasRemoved(readers) {
		a.removed[e.Channel] = max(a.removed[e.Channel], readers.Epoch)
	}
	unreadable := is && a.vault.IsUnreadable(e.ID)
	return wanted{Entry: e, leaf: leaf, recipients: len(readers.Sealed), unreadable: unreadable}, is, err
}

// wasRemoved tells whether somebody of this audience may not read a submission any
// more.
func (a *audience) wasRemoved(r vault.Readers) bool {
	if a.reviewer == "" {
		return len(r.Still) < len(r.Sealed)
	}
	return slices.Contains(r.Sealed, a.reviewer) && !slices.Contains(r.Still, a.reviewer)
}

// waits tells whether the reviewer has not acknowledged a submission that they
// may read; of no reviewer in particular, whether there is one who has not.
// What nobody can acknowledge waits, like [vault.Vault.AckedByAll] has it: it
// must not disappear unseen. Nor must that of which the disk cannot tell.
func (a *audience) waits(id vault.ID, readers []string) (bool, error) {
	if a.reviewer != "" && !slices.Contains(readers, a.reviewer) {
		return false, nil
	}
	acks, err := a.vault.Acknowledgements(id)
	if errors.Is(err, vault.ErrDamaged) {
		return true, nil
	}
	if err != nil || len(acks) == 0 {
		return err == nil, err
	}
	has := func(by string) bool {
		return slices.ContainsFunc(acks, func(ack vault.Acknowledgement) bool { return ack.By == by })
	}
	if a.reviewer != "" {
		return !has(a.reviewer), nil
	}
	return len(readers) == 0 || slices.ContainsFunc(readers, func(by string) bool { return !has(by) }), nil
}
