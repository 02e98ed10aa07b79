package vault

import (
	"bytes"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"
)

// mailboxesPerRead bounds a read transaction of [Vault.Mailboxes].
const mailboxesPerRead = 512

// A Mailbox is its id and its locked key.
type Mailbox struct {
	ID     MailboxID
	Locked []byte
}

// Mailboxes iterates over the mailboxes in the order of their ids, which tell
// nothing. It reads in short transactions and stops at the first error.
func (v *Vault) Mailboxes() iter.Seq2[Mailbox, error] {
	return func(yield func(Mailbox, error) bool) {
		var after []byte
		for {
			batch, err := v.mailboxesAfter(after)
			for _, m := range batch {
				if !yield(m, nil) {
					return
				}
			}
			if err != nil {
				yield(Mailbox{}, err)
				return
			}
			if len(batch) == 0 {
				return
			}
			after = batch[len(batch)-1].ID[:]
		}
	}
}

func (v *Vault) mailboxesAfter(after []byte) (batch []Mailbox, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketMailboxes).Cursor()
		k, stored := c.Seek(after)
		if after != nil && bytes.Equal(k, after) {
			k, stored = c.Next()
		}
		for ; k != nil && len(batch) < mailboxesPerRead; k, stored = c.Next() {
			locked, err := unstamp(k, stored)
			if err == nil && len(k) != len(MailboxID{}) {
				err = ErrDamaged
			}
			if err != nil {
				return fmt.Errorf("the key of a mailbox: %w", err)
			}
			batch = append(batch, Mailbox{MailboxID(k), bytes.Clone(locked)})
		}
		return nil
	})
	return batch, err
}

// HasReply reports whether a mailbox holds this sealed reply.
func (v *Vault) HasReply(id MailboxID, sealed []byte) (has bool, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketReplies).Cursor()
		for k, stored := c.Seek(id[:]); bytes.HasPrefix(k, id[:]) && !has; k, stored = c.Next() {
			if len(stored) != len(sealed)+sumSize || !bytes.HasPrefix(stored, sealed) {
				continue // without the checksum of what may be large
			}
			_, err := unstamp(k, stored)
			has = err == nil
		}
		return nil
	})
	return has, err
}

// CountReplies returns how many replies wait in a mailbox.
func (v *Vault) CountReplies(id MailboxID) (n int, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketReplies).Cursor()
		for k, _ := c.Seek(id[:]); bytes.HasPrefix(k, id[:]); k, _ = c.Next() {
			n++
		}
		return nil
	})
	return n, err
}
