package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/translog"
)

// hidePerStep bounds what one transaction of [Vault.Delete] hides.
const hidePerStep = 1000

// A Deletion says which submission goes, and why: what the log is told.
type Deletion struct {
	ID     ID
	Reason string // translog.ByOrder, ByRetention or ByLimit
	By     string // fingerprint of who ordered it; empty unless by order
	Order  string // lower-case hexadecimal SHA-256 of the signed deletions.json; empty unless by order
}

// Delete deletes submissions. When it returns nil they are gone for good: the
// keys of their envelopes are overwritten on stable storage, and so nobody can
// open them, with the reviewers' keys and an older copy of the vault's file
// neither. It returns [ErrNotFound], and deletes none of the same thousand, when
// one is not there; an error that wraps [ErrNotOverwritten] when they are gone, and
// the disk did not let overwrite a key of theirs. Once begun it goes on when ctx ends. After any other
// error or a crash they are either all still there, or invisible, and the next
// Delete, Apply, Finish or Open ends the work.
func (v *Vault) Delete(ctx context.Context, deletions []Deletion) error {
	unlock, err := v.lockSpending(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	for len(deletions) > 0 {
		step := deletions[:min(len(deletions), hidePerStep)]
		deletions = deletions[len(step):]
		err := v.updateAlone(ctx, func(tx *bolt.Tx) error { return hide(tx, step, today()) })
		if err != nil {
			return fmt.Errorf("failed to delete submissions: %w", err)
		}
		ids := make([]ID, len(step))
		for i, d := range step {
			ids[i] = d.ID
		}
		if err := v.endDeletionsOf(ids); err != nil {
			return err
		}
	}
	return nil
}

// lockSpending lets one goroutine at a time spend slots: from the transaction
// that marks them as spent until they are overwritten and the mark is off.
func (v *Vault) lockSpending(ctx context.Context) (unlock func(), err error) {
	select {
	case v.spending <- struct{}{}:
		return func() { <-v.spending }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hide takes submissions out of sight: FORMAT.md, section 4, step a.
func hide(tx *bolt.Tx, deletions []Deletion, day string) error {
	for _, d := range deletions {
		if err := hideOne(tx, d, day); err != nil {
			return fmt.Errorf("submission %s: %w", d.ID, err)
		}
	}
	return nil
}

func hideOne(tx *bolt.Tx, d Deletion, day string) error {
	h, err := header(tx, d.ID)
	if err != nil {
		return err
	}
	leaf, err := translog.Encode(translog.Deletion{ID: d.ID.String(), Channel: h.Channel, Day: day,
		Reason: d.Reason, By: d.By, Order: d.Order})
	if err != nil {
		return err
	}
	if err := spend(tx, d.ID); err != nil {
		return err
	}
	if err := tx.Bucket(bucketSubmissions).Delete(d.ID[:]); err != nil {
		return err
	}
	if err := put(tx.Bucket(bucketDeleting), d.ID[:], nil); err != nil {
		return err
	}
	return putPending(tx, leaf)
}

type (
	viewer  func(func(*bolt.Tx) error) error
	updater func(func(*bolt.Tx) error) error
)

// maxPassed bounds the submissions that one eraseDeleted leaves for later.
const maxPassed = 100

// eraseDeleted removes what is left of deleted submissions whose keys are
// overwritten, and their marks. It writes nothing when there are none. Those in
// whose way is what the disk cannot read it passes over: then it returns errFault
// when it has done what it can.
func eraseDeleted(view viewer, update updater) error {
	var e erasure
	err := view(func(tx *bolt.Tx) error {
		e.more = e.next(tx, spentBy(tx)) != nil
		return nil
	})
	for e.more && err == nil {
		err = update(func(tx *bolt.Tx) error { return e.some(tx, erasePerStep) })
		if errors.Is(err, errFault) && len(e.passed) < maxPassed && !slices.Contains(e.passed, e.at) {
			e.passed, err = append(e.passed, e.at), nil
		}
	}
	if err == nil && len(e.passed) > 0 {
		err = errFault
	}
	if err != nil {
		return fmt.Errorf("failed to erase deleted submissions: %w", err)
	}
	return nil
}

// An erasure is where eraseDeleted is.
type erasure struct {
	more   bool
	at     ID   // of which something was read last
	passed []ID // that cannot be erased
}

// next is the first that is being deleted, whose key is not spent any more, and
// that is not passed over.
func (e *erasure) next(tx *bolt.Tx, spent []ID) []byte {
	c := tx.Bucket(bucketDeleting).Cursor()
	k, _ := c.First()
	for len(k) == len(ID{}) && (slices.Contains(spent, ID(k)) || slices.Contains(e.passed, ID(k))) {
		k, _ = c.Next()
	}
	return k
}

// some erases one transaction's worth; what a submission has beside its chunks
// counts as one.
func (e *erasure) some(tx *bolt.Tx, budget int) (err error) {
	spent := spentBy(tx)
	for e.more = true; budget > 0; {
		k := e.next(tx, spent)
		if e.more = k != nil; !e.more {
			return nil
		}
		if len(k) != len(ID{}) {
			return ErrDamaged
		}
		e.at = ID(k)
		if budget, err = eraseChunks(tx, e.at, budget-1); err != nil || budget <= 0 {
			return err
		}
		if err := eraseMarks(tx, e.at); err != nil {
			return err
		}
	}
	return nil
}

// eraseMarks removes everything of a submission but chunks.
func eraseMarks(tx *bolt.Tx, id ID) error {
	if err := tx.Bucket(bucketEnvelopes).Delete(id[:]); err != nil {
		return err
	}
	if err := eraseAcks(tx, id); err != nil {
		return err
	}
	if err := tx.Bucket(bucketOpened).Delete(id[:]); err != nil {
		return err
	}
	return tx.Bucket(bucketDeleting).Delete(id[:])
}
