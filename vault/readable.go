package vault

import (
	"errors"
	"fmt"
	"io/fs"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// errUnreadable is about a vault that was not closed: which of its pages are free
// only all the others tell.
var errUnreadable = fmt.Errorf("failed to open vault: it was not closed, and %w: copy the home as it is, and restore a backup beside it", errFault)

// checkReadable reads the pages that bbolt reads to find the free ones of a file that
// was not closed. bbolt does it in a goroutine of its own, where what the disk cannot
// read would end the program. What else is wrong it leaves to others.
func checkReadable(path string) error {
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, Timeout: lockPatience, InitialMmapSize: mapSize})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return locked(path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("failed to open vault: %w", fs.ErrPermission)
	case err != nil:
		return nil
	}
	err = viewFile(db, func(tx *bolt.Tx) (err error) {
		defer func() {
			if thrown := recover(); thrown != nil {
				err = errFault // or bbolt found a page that is none
			}
		}()
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error { return touch(b) })
	})
	closed := db.Close()
	if errors.Is(err, errFault) {
		return errUnreadable
	}
	return closed
}

// touch reads every page of a bucket where keys are, and of those in it.
func touch(b *bolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		for at := 0; at < len(k); at += minPageSize {
			_ = touched(k[at])
		}
		_ = touched(k[len(k)-1])
		if v != nil {
			return nil
		}
		return touch(b.Bucket(k))
	})
}

// touched is not inlined, so that the byte is read.
//
//go:noinline
func touched(b byte) byte { return b }
