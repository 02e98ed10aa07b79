package vault

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/tlog"
)

// leavesPerRead and leafBytesPerRead bound a read transaction of [Vault.Leaves].
const (
	leavesPerRead    = 512
	leafBytesPerRead = 1 << 20
)

// Pending returns how many leaves are not in the log yet.
func (v *Vault) Pending() (n int, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketPending).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			n++
		}
		return nil
	})
	return n, err
}

// LogSize returns how many leaves the log has.
func (v *Vault) LogSize() (size int64, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		size = logSize(tx)
		return nil
	})
	return size, err
}

func logSize(tx *bolt.Tx) int64 {
	k, _ := tx.Bucket(bucketLeaves).Cursor().Last()
	if k == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(k)) + 1
}

// ReadHashes implements tlog.HashReader over the log's stored hashes.
func (v *Vault) ReadHashes(indexes []int64) (hashes []tlog.Hash, err error) {
	err = v.view(func(tx *bolt.Tx) (err error) {
		hashes, err = hashReader{tx}.ReadHashes(indexes)
		return err
	})
	return hashes, err
}

type hashReader struct{ tx *bolt.Tx }

func (r hashReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		raw, err := find(r.tx.Bucket(bucketHashes), indexKey(index))
		if err == nil && len(raw) != tlog.HashSize {
			err = ErrDamaged
		}
		if err != nil {
			return nil, fmt.Errorf("hash %d of the log: %w", index, err)
		}
		hashes = append(hashes, tlog.Hash(raw))
	}
	return hashes, nil
}

// Leaves iterates over the log's encoded leaves with from ≤ index < to. It reads
// in short transactions and stops at the first error; a leaf that the log does
// not have yet is one.
func (v *Vault) Leaves(from, to int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for from < to {
			leaves, err := v.leaves(from, to)
			for _, leaf := range leaves {
				if !yield(leaf, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			from += int64(len(leaves))
		}
	}
}

// leaves returns one leaf at least, or an error.
func (v *Vault) leaves(from, to int64) (leaves [][]byte, err error) {
	size := 0
	err = v.view(func(tx *bolt.Tx) error {
		for index := from; index < to && len(leaves) < leavesPerRead && size < leafBytesPerRead; index++ {
			leaf, err := find(tx.Bucket(bucketLeaves), indexKey(index))
			if err != nil {
				return fmt.Errorf("leaf %d of the log: %w", index, err)
			}
			leaves, size = append(leaves, bytes.Clone(leaf)), size+len(leaf)
		}
		return nil
	})
	return leaves, err
}

// LeafOf returns where the leaf of a submission is in the log, also after the
// submission was deleted; not ok while the leaf is pending, or when there never
// was such a submission.
func (v *Vault) LeafOf(id ID) (index int64, ok bool, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		raw, err := get(tx.Bucket(bucketLeafOf), id[:])
		if err == nil && raw != nil && len(raw) != 8 {
			err = ErrDamaged
		}
		if err != nil {
			return fmt.Errorf("the place of %s in the log: %w", id, err)
		}
		if raw != nil {
			index, ok = int64(binary.BigEndian.Uint64(raw)), true
		}
		return nil
	})
	return index, ok, err
}
