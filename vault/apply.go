package vault

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// A Change is a set of changes that are made together or not at all; see
// [Vault.Apply]. It is of no use after the function that it was given to.
type Change struct {
	vault *Vault
	tx    *bolt.Tx
	taken []wrapped // overwritten, and given back, if it fails
	spent []ID      // whose slots are to be overwritten
	err   error     // what a method could not return
}

// Apply runs fn, and makes all of its changes in one transaction, or none of
// them when fn or the transaction fails. When it returns nil everything is on
// stable storage, and what was deleted is unreadable. fn runs on the vault's
// writer: while it does nobody else can change anything, and it must not ask the
// vault itself for a change. It may read the vault, which shows it the state
// before.
func (v *Vault) Apply(ctx context.Context, fn func(*Change) error) error {
	unlock, err := v.lockSpending(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	c := &Change{vault: v}
	err = v.updateAlone(ctx, func(tx *bolt.Tx) error {
		c.tx = tx
		return errors.Join(fn(c), c.err)
	})
	if err != nil {
		v.giveBack(err, c.taken...)
		return fmt.Errorf("failed to apply changes: %w", err)
	}
	return v.endDeletionsOf(c.spent)
}

// Delete deletes a submission, or returns [ErrNotFound].
func (c *Change) Delete(d Deletion) error {
	c.spent = append(c.spent, d.ID)
	return hide(c.tx, []Deletion{d}, today())
}

// Reenvelope gives a submission a new envelope, sealed to the roster at epoch.
// The key of the old one is overwritten, so that it opens nothing any more. It
// returns [ErrNotFound] for an unknown submission.
func (c *Change) Reenvelope(id ID, envelope []byte, epoch uint64) error {
	h, err := header(c.tx, id)
	if err != nil {
		return fmt.Errorf("submission %s: %w", id, err)
	}
	h.Epoch = epoch
	raw, err := h.encode()
	if err != nil {
		return err
	}
	w, err := c.vault.wrap(id, envelope)
	if err != nil {
		return err
	}
	c.taken = append(c.taken, w)
	c.spent = append(c.spent, id)
	if err := spend(c.tx, id); err != nil {
		return fmt.Errorf("submission %s: %w", id, err)
	}
	if err := w.put(c.tx, id); err != nil {
		return err
	}
	return put(c.tx.Bucket(bucketSubmissions), id[:], raw)
}

// MarkOpened notes that a reviewer has opened a submission. It returns
// [ErrNotFound] for an unknown one; doing it twice is fine.
func (c *Change) MarkOpened(id ID) error {
	if _, err := header(c.tx, id); err != nil {
		return fmt.Errorf("submission %s: %w", id, err)
	}
	return put(c.tx.Bucket(bucketOpened), id[:], nil)
}

// Reply puts a sealed reply into a mailbox, or returns [ErrNotFound].
func (c *Change) Reply(mailbox MailboxID, sealed []byte) error {
	return putLetter(c.tx, bucketReplies, mailbox, sealed)
}

// PutOrder keeps the signed deletions.json behind deletions, under its SHA-256 in
// lower-case hexadecimal. The vault does not compare them: what is signed may
// stand with its signature.
func (c *Change) PutOrder(sha string, signed []byte) error {
	key, err := orderKey(sha)
	if err != nil {
		return err
	}
	if len(signed) == 0 || len(signed) > maxOrder {
		return fmt.Errorf("an order takes 1 to %d bytes", maxOrder)
	}
	return put(c.tx.Bucket(bucketOrders), key, signed)
}

const maxOrder = 64 << 20 // bytes

// Order returns what [Change.PutOrder] kept, or [ErrNotFound].
func (v *Vault) Order(sha string) (signed []byte, err error) {
	key, err := orderKey(sha)
	if err != nil {
		return nil, err
	}
	err = v.view(func(tx *bolt.Tx) error {
		raw, err := find(tx.Bucket(bucketOrders), key)
		signed = append(signed, raw...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("order %s: %w", sha, err)
	}
	return signed, nil
}

func orderKey(sha string) ([]byte, error) {
	key, err := hex.DecodeString(sha)
	if err != nil || len(key) != 32 || hex.EncodeToString(key) != sha {
		return nil, errors.New("an order is named by 64 lower-case hexadecimal digits")
	}
	return key, nil
}

// Opened tells whether a reviewer has opened a submission, or returns
// [ErrNotFound].
func (v *Vault) Opened(id ID) (opened bool, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		if _, err := header(tx, id); err != nil {
			return fmt.Errorf("submission %s: %w", id, err)
		}
		mark, err := get(tx.Bucket(bucketOpened), id[:])
		opened = mark != nil
		return err
	})
	return opened, err
}
