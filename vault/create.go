package vault

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

const (
	saltSize    = 16 // bytes
	slotsIDSize = 16 // bytes
)

// Create makes a new, empty vault at path, with its slots file beside it, and
// closes both. It refuses to touch existing files: creation is its own act.
func Create(path string) error {
	if _, err := os.Lstat(slotsPath(path)); err == nil {
		return fmt.Errorf("failed to create vault: %s: %w", filepath.Base(slotsPath(path)), fs.ErrExist)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("failed to create vault: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("failed to create vault: %w", err)
	}
	db, err := openFile(path)
	if err != nil {
		return err
	}
	salt, slotsID := make([]byte, saltSize), newSlotsID()
	rand.Read(salt)
	err = createSlots(slotsPath(path), slotsID)
	if err == nil {
		err = db.Update(func(tx *bolt.Tx) error { return createBuckets(tx, salt, slotsID) })
	}
	settle(db, path)
	return errors.Join(err, db.Close())
}

func newSlotsID() (id [slotsIDSize]byte) {
	rand.Read(id[:])
	return id
}

func createBuckets(tx *bolt.Tx, salt []byte, slotsID [slotsIDSize]byte) error {
	for _, name := range allBuckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return fmt.Errorf("failed to create bucket: %w", err)
		}
	}
	meta := tx.Bucket(bucketMeta)
	return errors.Join(
		put(meta, keySalt, salt),
		put(meta, keySlots, slotsID[:]),
		// Without a checksum: every version of the program must be able to read it.
		meta.Put(keyVersion, binary.BigEndian.AppendUint32(nil, FormatVersion)))
}
