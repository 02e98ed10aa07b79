package vault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	bolt "go.etcd.io/bbolt"
)

// ErrDamaged is wrapped by the error for a stored value that is not what was
// once written: a flipped bit on the disk, or a hand.
var ErrDamaged = errors.New("damaged")

const sumSize = 4 // bytes

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is over the key and the value, so that a bit that flips in a key does not
// give a value to another owner; FORMAT.md, section 1.1.
func sum(key, value []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, key), castagnoli, value)
}

// stamp appends its checksum to a value.
func stamp(key, value []byte) []byte {
	return binary.BigEndian.AppendUint32(value, sum(key, value))
}

// unstamp checks and removes what stamp appended.
func unstamp(key, stored []byte) ([]byte, error) {
	value := stored[:max(len(stored)-sumSize, 0)]
	if len(stored) < sumSize || binary.BigEndian.Uint32(stored[len(value):]) != sum(key, value) {
		return nil, fmt.Errorf("a stored value is %w", ErrDamaged)
	}
	return value, nil
}

// put stores a value with its checksum. It copies the value first: what the
// caller holds may have room behind it that is someone else's.
func put(b *bolt.Bucket, key, value []byte) error {
	stamped := make([]byte, 0, len(value)+sumSize)
	return b.Put(key, stamp(key, append(stamped, value...)))
}

// get returns a value, which lives as long as the transaction, or nil when
// there is none.
func get(b *bolt.Bucket, key []byte) ([]byte, error) {
	stored := b.Get(key)
	if stored == nil {
		return nil, nil
	}
	return unstamp(key, stored)
}

// find is get for what must be there: else it returns [ErrNotFound].
func find(b *bolt.Bucket, key []byte) ([]byte, error) {
	value, err := get(b, key)
	if err == nil && value == nil {
		err = ErrNotFound
	}
	return value, err
}
