package vault

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// erasePerStep bounds what one transaction erases, in chunks, so that a large
// upload that broke off, or a large deletion, does not hold up the others.
const erasePerStep = 1000

// eraseChunks removes up to budget chunks, and returns what is left of the
// budget: nothing means that there may be more.
func eraseChunks(tx *bolt.Tx, id ID, budget int) (left int, err error) {
	chunks := tx.Bucket(bucketChunks)
	for ; budget > 0; budget-- {
		k, _ := chunks.Cursor().Seek(id[:])
		if !bytes.HasPrefix(k, id[:]) {
			return budget, nil
		}
		if err := chunks.DeleteBucket(bytes.Clone(k)); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// eraseDraft removes chunks of a draft, and with the last ones its mark. It
// leaves alone what has become a submission.
func eraseDraft(tx *bolt.Tx, id ID) (more bool, err error) {
	if tx.Bucket(bucketSubmissions).Get(id[:]) != nil {
		return false, nil
	}
	left, err := eraseChunks(tx, id, erasePerStep)
	if err != nil || left == 0 {
		return err == nil, err
	}
	return false, tx.Bucket(bucketDrafts).Delete(id[:])
}

// sweep erases the drafts that nobody writes any more and that are still there.
func (v *Vault) sweep(update updater) (failed error) {
	for key := range v.undone.Range {
		id := key.(ID)
		var err error
		for more := true; more && err == nil; {
			err = update(func(tx *bolt.Tx) (err error) {
				more, err = eraseDraft(tx, id)
				return err
			})
		}
		switch {
		case errors.Is(err, errFault): // another one may be read
			failed = err
		case err != nil:
			return fmt.Errorf("failed to sweep interrupted uploads: %w", err)
		default:
			v.undone.Delete(id)
		}
	}
	if failed != nil {
		return fmt.Errorf("failed to sweep interrupted uploads: %w", failed)
	}
	return nil
}

// idsOf returns the keys of a bucket of marks.
func idsOf(view viewer, bucket []byte) (ids []ID, err error) {
	err = view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(k, _ []byte) error {
			if len(k) != len(ID{}) {
				return ErrDamaged
			}
			ids = append(ids, ID(k))
			return nil
		})
	})
	return ids, err
}
