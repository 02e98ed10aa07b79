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
	maxReceipt   = 2 << 20  // bytes
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
		if stored := b.Get(id[:]); stored != nil {
			locked = bytes.Clone(stored)
			return nil
		}
		return b.Put(id[:], locked)
	})
	return locked, err
}

// MailboxKey returns the mailbox's locked key, or [ErrNotFound].
func (v *Vault) MailboxKey(id MailboxID) (locked []byte, err error) {
	err = v.db.View(func(tx *bolt.Tx) error {
		locked = bytes.Clone(tx.Bucket(bucketMailboxes).Get(id[:]))
		if locked == nil {
			return ErrNotFound
		}
		return nil
	})
	return locked, err
}

// Receipts returns at most limit sealed receipts of a mailbox in no particular
// order, and whether there are more.
func (v *Vault) Receipts(id MailboxID, limit int) (sealed [][]byte, more bool, err error) {
	err = v.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketReceipts).Cursor()
		for k, raw := c.Seek(id[:]); bytes.HasPrefix(k, id[:]); k, raw = c.Next() {
			if len(sealed) == limit {
				more = true
				return nil
			}
			sealed = append(sealed, bytes.Clone(raw))
		}
		return nil
	})
	return sealed, more, err
}

// put appends the receipt under a random key, so that receipts have no order.
func (r *Receipt) put(tx *bolt.Tx) error {
	if len(r.Sealed) == 0 || len(r.Sealed) > maxReceipt {
		return fmt.Errorf("a sealed receipt takes 1 to %d bytes", maxReceipt)
	}
	if tx.Bucket(bucketMailboxes).Get(r.Mailbox[:]) == nil {
		return fmt.Errorf("mailbox %w", ErrNotFound)
	}
	key := make([]byte, 32)
	copy(key, r.Mailbox[:])
	rand.Read(key[16:])
	return tx.Bucket(bucketReceipts).Put(key, r.Sealed)
}
