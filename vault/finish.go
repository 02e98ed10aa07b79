package vault

import (
	"context"
	"errors"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// ErrNotOverwritten is wrapped by the error of a deletion that was made, and whose
// keys the disk did not let overwrite: what was deleted is not to be seen any more,
// and could still be opened by whoever has the disk and a reviewer's private key.
// [Vault.Finish] tries again.
var ErrNotOverwritten = errors.New("the keys of deleted submissions could not be overwritten yet")

// An Unfinished is what the disk did not let end.
type Unfinished struct {
	// Keys are the submissions, deleted or sealed anew, whose old key is not
	// overwritten yet, or that of an envelope that could not be stored.
	Keys []ID
	// Unnamed counts keys of changes that a crash interrupted: whose is not known.
	Unnamed int
	// Erasing counts the deleted submissions, and Uploads those that broke off, that
	// still take room.
	Erasing, Uploads int
}

// Unfinished tells what [Vault.Finish] has to do. While a deletion is under way
// it returns nothing: that one is about to end by itself.
func (v *Vault) Unfinished() (u Unfinished, err error) {
	select {
	case v.spending <- struct{}{}:
		defer func() { <-v.spending }()
	default:
		return u, nil
	}
	err = v.view(func(tx *bolt.Tx) error {
		u.Keys = spentBy(tx)
		return tx.Bucket(bucketDeleting).ForEach(func(_, _ []byte) error { u.Erasing++; return nil })
	})
	_, owners := v.looseSlots()
	for _, id := range owners {
		switch {
		case id == ID{}:
			u.Unnamed++
		case !slices.Contains(u.Keys, id):
			u.Keys = append(u.Keys, id)
		}
	}
	for range v.undone.Range {
		u.Uploads++
	}
	return u, err
}

// spentBy returns whose keys are spent, each once. Damaged marks are left out, as
// they are when keys are overwritten: verifying the vault finds them.
func spentBy(tx *bolt.Tx) (ids []ID) {
	c := tx.Bucket(bucketSpent).Cursor()
	for k, stored := c.First(); k != nil; k, stored = c.Next() {
		owner, err := unstamp(k, stored)
		if err == nil && len(owner) == len(ID{}) && !slices.Contains(ids, ID(owner)) {
			ids = append(ids, ID(owner))
		}
	}
	return ids
}

// Finish ends deletions that could not be ended, overwrites the keys of changes that
// failed, and erases uploads that broke off
// and could not be erased. It is cheap when there is nothing to do. It returns an
// error that wraps [ErrNotOverwritten] when the disk still refuses, or [ErrDamaged]
// when it cannot read what is to be erased.
func (v *Vault) Finish(ctx context.Context) error {
	unlock, err := v.lockSpending(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return v.finish(v.view, v.alone)
}

// finish must not run beside a deletion.
func (v *Vault) finish(view viewer, update updater) error {
	return errors.Join(v.endDeletions(view, update), v.sweep(update))
}

// endDeletions overwrites all slots that were spent, and erases all that is
// being deleted: FORMAT.md, section 4, steps b and c. A slot that the disk does not
// let overwrite keeps only its own submission from being erased.
func (v *Vault) endDeletions(view viewer, update updater) error {
	err := v.overwriteSpent(view, update)
	if err != nil && !errors.Is(err, ErrNotOverwritten) {
		return err
	}
	return errors.Join(err, eraseDeleted(view, update))
}

// endDeletionsOf is endDeletions for who spent the slots of some submissions: what
// the disk still refuses of others is not theirs to hear, nor that it cannot read
// what is to be erased: it cannot be opened any more.
func (v *Vault) endDeletionsOf(ids []ID) error {
	err := v.endDeletions(v.view, v.alone)
	if !errors.Is(err, ErrNotOverwritten) {
		if errors.Is(err, errFault) {
			return nil
		}
		return err
	}
	_, loose := v.looseSlots()
	own := slices.ContainsFunc(loose, func(id ID) bool { return slices.Contains(ids, id) })
	viewErr := v.view(func(tx *bolt.Tx) error {
		own = own || slices.ContainsFunc(spentBy(tx), func(id ID) bool { return slices.Contains(ids, id) })
		return nil
	})
	if own || viewErr != nil {
		return errors.Join(err, viewErr)
	}
	return nil
}

// alone is an updater on the writer. It goes on when the caller's context ends:
// what is invisible must become unreadable.
func (v *Vault) alone(apply func(*bolt.Tx) error) error {
	return v.updateAlone(context.Background(), apply)
}
