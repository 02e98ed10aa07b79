package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

const (
	maxLockedKey = 32 << 10 // bytes
	maxLetter    = 2 << 20  // bytes
)

// A MailboxID names a mailbox. It is derived from the source's passphrase, so
// that the vault cannot tell whose it is nor guess which others exist.
type MailboxID [16]byte

// A Receipt is what a mailbox keeps of a submission, sealed to the mailbox's
// own key: the vault cannot tell which submission it speaks of.
type Receipt struct {
	Mailbox MailboxID
	Sealed  []byte
}

// EnsureMailbox stores a locked key for the mailbox unless it has one, and
// returns the one it has: of two submissions that open a mailbox at the same
// moment, both use the key of the first.
func (v *Vault) EnsureMailbox(ctx context.Context, id MailboxID, locked []byte) ([]byte, error) {
	if len(locked) == 0 || len(locked) > maxLockedKey {
		return nil, fmt.Errorf("a mailbox's key takes 1 to %d bytes", maxLockedKey)
	}
	err := v.update(ctx, len(locked), func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketMailboxes)
		stored, err := get(b, id[:])
		if err != nil {
			return fmt.Errorf("the key of a mailbox: %w", err)
		}
		if stored != nil {
			locked = bytes.Clone(stored)
			return nil
		}
		return put(b, id[:], locked)
	})
	return locked, err
}

// MailboxKey returns the mailbox's locked key, or [ErrNotFound].
func (v *Vault) MailboxKey(id MailboxID) (locked []byte, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		stored, err := find(tx.Bucket(bucketMailboxes), id[:])
		if err != nil {
			return fmt.Errorf("the key of a mailbox: %w", err)
		}
		locked = bytes.Clone(stored)
		return nil
	})
	return locked, err
}

// Receipts returns at most limit sealed receipts of a mailbox in no particular
// order, and whether there are more.
func (v *Vault) Receipts(id MailboxID, limit int) (sealed [][]byte, more bool, err error) {
	return v.letters(bucketReceipts, id, limit)
}

// Replies is [Vault.Receipts] for what reviewers answered.
func (v *Vault) Replies(id MailboxID, limit int) (sealed [][]byte, more bool, err error) {
	return v.letters(bucketReplies, id, limit)
}

func (v *Vault) letters(bucket []byte, id MailboxID, limit int) (sealed [][]byte, more bool, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucket).Cursor()
		for k, stored := c.Seek(id[:]); bytes.HasPrefix(k, id[:]); k, stored = c.Next() {
			if len(sealed) == limit {
				more = true
				return nil
			}
			letter, err := unstamp(k, stored)
			if err != nil {
				return fmt.Errorf("what a mailbox holds: %w", err)
			}
			sealed = append(sealed, bytes.Clone(letter))
		}
		return nil
	})
	return sealed, more, err
}

// DropReplies forgets a mailbox's replies: its source has read them. Dropping
// none is fine.
func (v *Vault) DropReplies(ctx context.Context, id MailboxID) error {
	return v.update(ctx, 0, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketReplies).Cursor()
		for k, _ := c.Seek(id[:]); bytes.HasPrefix(k, id[:]); k, _ = c.Seek(id[:]) {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
}

// put appends the receipt under a random key, so that receipts have no order.
func (r *Receipt) put(tx *bolt.Tx) error { return putLetter(tx, bucketReceipts, r.Mailbox, r.Sealed) }

func putLetter(tx *bolt.Tx, bucket []byte, id MailboxID, sealed []byte) error {
	if len(sealed) == 0 || len(sealed) > maxLetter {
		return fmt.Errorf("a sealed receipt or reply takes 1 to %d bytes", maxLetter)
	}
	if tx.Bucket(bucketMailboxes).Get(id[:]) == nil {
		return fmt.Errorf("mailbox %w", ErrNotFound)
	}
	key := make([]byte, 32)
	copy(key, id[:])
	rand.Read(key[16:])
	return put(tx.Bucket(bucket), key, sealed)
}
