package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/slots"
)

const slotSize = 4 // bytes of a slot's number

// A wrapped is an envelope as it is stored: the number of its slot, and the
// envelope under the key that the slot holds.
type wrapped struct {
	id    ID
	slot  uint32
	value []byte
}

// wrap takes a slot and wraps a submission's envelope with its key.
func (v *Vault) wrap(id ID, envelope []byte) (wrapped, error) {
	if len(envelope) == 0 {
		return wrapped{}, errors.New("the submission has no envelope")
	}
	w, err := wrapIn(v.slots, id, envelope)
	if err != nil && v.isClosed() {
		err = ErrClosed
	}
	return w, err
}

func wrapIn(file *slots.File, id ID, envelope []byte) (wrapped, error) {
	slot, key, err := file.Take()
	if err != nil {
		return wrapped{}, err
	}
	return wrapped{id, slot, append(slotKey(slot), key.Wrap(id, envelope)...)}, nil
}

// put stores an envelope, and whose its slot is.
func (w wrapped) put(tx *bolt.Tx, id ID) error {
	if err := put(tx.Bucket(bucketEnvelopes), id[:], w.value); err != nil {
		return err
	}
	return put(tx.Bucket(bucketSlots), slotKey(w.slot), id[:])
}

// Envelope returns a submission's PKESK packets, or [ErrNotFound].
func (v *Vault) Envelope(id ID) ([]byte, error) {
	envelope, err := v.envelope(id)
	v.noteDamage(id, err, func() error {
		_, err := v.envelope(id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the envelope of submission %s: %w", id, err)
	}
	return envelope, nil
}

// envelope reads again when it fails and is another one meanwhile, or gone: its
// slot may have been overwritten since it was looked up.
func (v *Vault) envelope(id ID) (envelope []byte, err error) {
	for last := []byte(nil); ; {
		stored, err := v.wrappedOf(id)
		if err != nil {
			return nil, err
		}
		if envelope, err = v.unwrap(id, stored); err == nil || bytes.Equal(stored, last) {
			return envelope, err
		}
		last = stored
	}
}

// wrappedOf returns an envelope as it is stored.
func (v *Vault) wrappedOf(id ID) (value []byte, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketSubmissions).Get(id[:]) == nil {
			return ErrNotFound
		}
		stored, err := get(tx.Bucket(bucketEnvelopes), id[:])
		value = bytes.Clone(stored)
		return err
	})
	if err == nil && len(value) <= slotSize {
		err = fmt.Errorf("%w: it is missing", ErrDamaged)
	}
	return value, err
}

func (v *Vault) unwrap(id ID, stored []byte) (envelope []byte, err error) {
	key, err := v.slots.Key(binary.BigEndian.Uint32(stored))
	if err == nil {
		envelope, err = key.Unwrap(id, stored[slotSize:])
	}
	switch {
	case err == nil:
		return envelope, nil
	case v.isClosed():
		return nil, ErrClosed
	}
	return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
}

// spend marks the slot of a submission: its key is to be overwritten. It asks
// `slots` when the envelope is damaged: what is damaged can be deleted, too.
func spend(tx *bolt.Tx, id ID) error {
	key, err := slotOf(tx, id)
	if err != nil {
		return err
	}
	if err := tx.Bucket(bucketSlots).Delete(key); err != nil {
		return err
	}
	return put(tx.Bucket(bucketSpent), key, id[:])
}

func slotOf(tx *bolt.Tx, id ID) ([]byte, error) {
	owners := tx.Bucket(bucketSlots)
	if value := tx.Bucket(bucketEnvelopes).Get(id[:]); len(value) > slotSize {
		key := bytes.Clone(value[:slotSize])
		if owner, err := get(owners, key); err == nil && bytes.Equal(owner, id[:]) {
			return key, nil
		}
	}
	c := owners.Cursor()
	for k, stored := c.First(); k != nil; k, stored = c.Next() {
		if owner, err := unstamp(k, stored); err == nil && bytes.Equal(owner, id[:]) {
			return bytes.Clone(k), nil
		}
	}
	return nil, fmt.Errorf("its slot is missing: %w", ErrDamaged)
}

// overwriteSpent overwrites the keys of all spent slots, and of changes that failed,
// and takes the marks off those for which that is on stable storage.
func (v *Vault) overwriteSpent(view viewer, update updater) error {
	spent, err := spentSlots(view)
	if err != nil {
		return err
	}
	marked := len(spent) > 0
	loose, _ := v.looseSlots()
	if spent = append(spent, loose...); len(spent) == 0 {
		return nil
	}
	zeroed, failed := v.zero(spent)
	if failed != nil {
		failed = fmt.Errorf("%w: %w", ErrNotOverwritten, failed)
	}
	if len(zeroed) == 0 {
		return failed
	}
	if marked {
		err = update(func(tx *bolt.Tx) error { return unmark(tx, zeroed) })
	}
	if err != nil {
		return errors.Join(fmt.Errorf("failed to free the slots of deleted submissions: %w", err), failed)
	}
	v.free(zeroed)
	return failed
}

// zero overwrites all at once, or else, when a place of the disk fails, those that
// lie elsewhere.
func (v *Vault) zero(spent []uint32) (zeroed []uint32, failed error) {
	if v.slots.Zero(spent...) == nil {
		return spent, nil
	}
	for _, slot := range spent {
		if err := v.slots.Zero(slot); err != nil {
			failed = err
		} else {
			zeroed = append(zeroed, slot)
		}
	}
	return zeroed, failed
}

// spentSlots leaves out a mark that is damaged: it may name the slot of another
// submission. Verifying the vault finds it.
func spentSlots(view viewer) (spent []uint32, err error) {
	err = view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketSpent).ForEach(func(k, stored []byte) error {
			if _, err := unstamp(k, stored); err == nil && len(k) == slotSize {
				spent = append(spent, binary.BigEndian.Uint32(k))
			}
			return nil
		})
	})
	return spent, err
}

func slotKey(slot uint32) []byte { return binary.BigEndian.AppendUint32(nil, slot) }
