package vault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/slots"
)

const (
	slotsSuffix = ".slots"
	newSuffix   = ".new" // behind it, while the file is being made
)

// slotsPath is where the slots of the vault at path are: vault.slots beside
// vault.db.
func slotsPath(path string) string { return strings.TrimSuffix(path, ".db") + slotsSuffix }

// openSlots opens the slots file. When there is none, and no submission needs
// one, it makes it.
func openSlots(db *bolt.DB, path string) (*slots.File, error) {
	id, numbers, sure, err := usedSlots(db)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if len(numbers) > 0 {
			return nil, fmt.Errorf("%s is missing: it holds the keys without which no submission can be opened", filepath.Base(path))
		}
		if err := createSlots(path, id); err != nil {
			return nil, err
		}
	}
	file, err := slots.Open(path, id, slices.Values(numbers))
	if errors.Is(err, slots.ErrLocked) {
		return nil, locked(path)
	}
	if err != nil {
		return nil, err
	}
	if !sure {
		file.OnlyGrow()
	}
	return file, nil
}

// createSlots makes the file under another name first, so that a crash leaves
// none that is half made.
func createSlots(path string, id [slotsIDSize]byte) error {
	building := path + newSuffix
	if err := os.Remove(building); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("failed to create slots file: %w", err)
	}
	if err := slots.Create(building, id); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(building, path), syncFolder(path)); err != nil {
		return fmt.Errorf("failed to create slots file: %w", err)
	}
	return nil
}

// usedSlots returns the slots file's id and the numbers of the slots that the
// vault names, and whether it is sure of them: a damaged entry may stand for
// another.
func usedSlots(db *bolt.DB) (id [slotsIDSize]byte, numbers []uint32, sure bool, err error) {
	sure = true
	err = viewFile(db, func(tx *bolt.Tx) error {
		raw, err := find(tx.Bucket(bucketMeta), keySlots)
		if err != nil || len(raw) != slotsIDSize {
			return fmt.Errorf("the id of the slots file: %w", ErrDamaged)
		}
		id = [slotsIDSize]byte(raw)
		for _, name := range [][]byte{bucketSlots, bucketSpent} {
			c := tx.Bucket(name).Cursor()
			for k, stored := c.First(); k != nil; k, stored = c.Next() {
				if _, err := unstamp(k, stored); err != nil || len(k) != slotSize {
					sure = false
				}
				if len(k) == slotSize {
					numbers = append(numbers, binary.BigEndian.Uint32(k))
				}
			}
		}
		return nil
	})
	return id, numbers, sure, err
}
