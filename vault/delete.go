package vault

import (
	"context"
	"fmt"

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
// one is not there. Once begun it goes on when ctx ends. After any other
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
		if err := v.endDeletions(v.view, v.alone); err != nil {
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

// eraseDeleted removes what is left of deleted submissions, and their marks. It
// writes nothing when there are none.
func eraseDeleted(view viewer, update updater) error {
	more := false
	err := view(func(tx *bolt.Tx) error {
		k, _ := tx.Bucket(bucketDeleting).Cursor().First()
		more = k != nil
		return nil
	})
	for more && err == nil {
		err = update(func(tx *bolt.Tx) (err error) {
			more, err = eraseSome(tx, erasePerStep)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("failed to erase deleted submissions: %w", err)
	}
	return nil
}

// eraseSome erases one transaction's worth; what a submission has beside its
// chunks counts as one.
func eraseSome(tx *bolt.Tx, budget int) (more bool, err error) {
	for budget > 0 {
		k, _ := tx.Bucket(bucketDeleting).Cursor().First()
		if k == nil {
			return false, nil
		}
		if len(k) != len(ID{}) {
			return false, ErrDamaged
		}
		if budget, err = eraseChunks(tx, ID(k), budget-1); err != nil || budget <= 0 {
			return err == nil, err
		}
		if err := eraseMarks(tx, ID(k)); err != nil {
			return false, err
		}
	}
	return true, nil
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
