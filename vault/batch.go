package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math/big"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault/translog"
)

// batchLeaves and batchBytes bound what one transaction moves into the log.
const (
	batchLeaves = 10_000
	batchBytes  = groupBytes
)

// Batch moves all pending leaves into the log, in random order, and returns the
// log's size then. A large batch takes several transactions; a crash between
// them leaves a shorter log that is whole.
func (v *Vault) Batch(ctx context.Context) (size int64, err error) {
	pending, err := v.Pending()
	for more := pending > 0; more && err == nil; {
		err = v.updateAlone(ctx, func(tx *bolt.Tx) (err error) {
			more, err = batch(tx)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("failed to move leaves into the log: %w", err)
	}
	return v.LogSize()
}

// batch moves one transaction's worth of leaves.
func batch(tx *bolt.Tx) (more bool, err error) {
	leaves, more, err := takePending(tx)
	if err != nil {
		return false, err
	}
	if err := shuffle(leaves); err != nil {
		return false, err
	}
	return more, appendLeaves(tx, leaves)
}

// appendLeaves puts leaves at the end of the log, in their order.
func appendLeaves(tx *bolt.Tx, leaves [][]byte) error {
	size := logSize(tx)
	hashes, err := translog.Append(size, leaves, hashReader{tx})
	if err != nil {
		return err
	}
	first := tlog.StoredHashIndex(0, size)
	for i, hash := range hashes {
		if err := put(appended(tx, bucketHashes), indexKey(first+int64(i)), hash[:]); err != nil {
			return err
		}
	}
	for i, leaf := range leaves {
		if err := putLeaf(tx, size+int64(i), leaf); err != nil {
			return err
		}
	}
	return nil
}

// takePending takes leaves out of `pending`; the first even when it is larger
// than a transaction should be.
func takePending(tx *bolt.Tx) (leaves [][]byte, more bool, err error) {
	bucket, size := tx.Bucket(bucketPending), 0
	var keys [][]byte
	c := bucket.Cursor()
	for k, stored := c.First(); k != nil; k, stored = c.Next() {
		size += len(stored)
		if len(keys) == batchLeaves || size > batchBytes && len(keys) > 0 {
			more = true
			break
		}
		leaf, err := unstamp(k, stored)
		if err != nil {
			return nil, false, fmt.Errorf("a leaf that waits for the log: %w", err)
		}
		keys, leaves = append(keys, bytes.Clone(k)), append(leaves, bytes.Clone(leaf))
	}
	for _, k := range keys {
		if err := bucket.Delete(k); err != nil {
			return nil, false, err
		}
	}
	return leaves, more, nil
}

// putLeaf stores a leaf of the log, and where the one of a submission is.
func putLeaf(tx *bolt.Tx, index int64, raw []byte) error {
	if err := put(appended(tx, bucketLeaves), indexKey(index), raw); err != nil {
		return err
	}
	leaf, err := translog.Decode(raw)
	if err != nil {
		return err
	}
	submission, ok := leaf.(translog.Submission)
	if !ok {
		return nil
	}
	id, err := ParseID(submission.ID)
	if err != nil {
		return err
	}
	return put(tx.Bucket(bucketLeafOf), id[:], indexKey(index))
}

// appended is a bucket whose keys only grow, so that its pages can be filled.
func appended(tx *bolt.Tx, name []byte) *bolt.Bucket {
	b := tx.Bucket(name)
	b.FillPercent = 0.95
	return b
}

// shuffle is Fisher and Yates', with every order as likely as any other.
func shuffle(leaves [][]byte) error {
	for i := len(leaves) - 1; i > 0; i-- {
		j, err := rand.Int(rand.Reader, big.NewInt(int64(i+1)))
		if err != nil {
			return err
		}
		leaves[i], leaves[j.Int64()] = leaves[j.Int64()], leaves[i]
	}
	return nil
}

func indexKey(index int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(index)) }
