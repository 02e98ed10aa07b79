package vault

import (
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// An unsure error is that of a change which may be in the file all the same.
type unsure struct{ error }

func (u unsure) Unwrap() error { return u.error }

// giveBack overwrites the keys of envelopes that were not stored, because err, and
// returns their slots: pages that hold them may have been written. When nobody
// knows whether they were stored, the next Open finds out.
func (v *Vault) giveBack(err error, taken ...wrapped) {
	if len(taken) == 0 || v.hasFailed() || errors.As(err, new(unsure)) {
		return
	}
	owners := map[uint32]ID{}
	for _, w := range taken {
		owners[w.slot] = w.id
	}
	v.loosen(owners)
}

// loosen overwrites the keys in slots that nothing names, and frees them. What the
// disk does not let overwrite it remembers, for [Vault.overwriteSpent].
func (v *Vault) loosen(owners map[uint32]ID) {
	var slots []uint32
	for slot := range owners {
		slots = append(slots, slot)
	}
	zeroed, _ := v.zero(slots)
	v.free(zeroed)
	for _, slot := range zeroed {
		delete(owners, slot)
	}
	for slot, owner := range owners { // from here on they are overwriteSpent's
		v.loose.Store(slot, owner)
	}
}

// free returns slots whose keys are overwritten, and that nothing names.
func (v *Vault) free(zeroed []uint32) {
	for _, slot := range zeroed {
		// One that a damaged file does not have is not given back: nothing is lost.
		_ = v.slots.Give(slot)
		v.loose.Delete(slot)
	}
}

// looseSlots are those that hold the key of a change that failed, and their owners.
func (v *Vault) looseSlots() (slots []uint32, owners []ID) {
	for slot, owner := range v.loose.Range {
		slots, owners = append(slots, slot.(uint32)), append(owners, owner.(ID))
	}
	return slots, owners
}

// overwriteLeftovers overwrites what a killed program left in slots that nothing
// names. A vault that was closed has none. When a record is damaged, so that such a
// slot may be in use, they stay: see [slots.File.OnlyGrow].
func (v *Vault) overwriteLeftovers() error {
	if isSettled(v.path) {
		return nil
	}
	left, err := v.slots.Leftovers()
	if err != nil {
		return fmt.Errorf("failed to find the keys of changes that were interrupted: %w", err)
	}
	owners := map[uint32]ID{}
	for _, slot := range left {
		owners[slot] = ID{} // whose is not known
	}
	v.loosen(owners)
	return nil
}

// isSettled tells whether a vault was closed, and not written since.
func isSettled(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	g, err := openImage(f)
	return err == nil && g.settled
}

// unmark takes the marks off spent slots whose keys are overwritten.
func unmark(tx *bolt.Tx, zeroed []uint32) error {
	for _, slot := range zeroed {
		if err := tx.Bucket(bucketSpent).Delete(slotKey(slot)); err != nil {
			return err
		}
	}
	return nil
}
