package vault

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// fillPercent is for pages that are filled in the order of their keys and
// rarely changed afterwards.
const fillPercent = 0.9

// A filler fills a new file, in transactions of a bounded size.
type filler struct {
	ctx  context.Context
	db   *bolt.DB
	tx   *bolt.Tx
	size int // of what tx has so far, in bytes
}

// in returns the transaction to write the next size bytes in.
func (f *filler) in(size int) (*bolt.Tx, error) {
	if err := f.ctx.Err(); err != nil {
		return nil, err
	}
	if f.tx != nil && f.size+size > compactBytes {
		if err := f.end(nil); err != nil {
			return nil, err
		}
	}
	if f.tx == nil {
		tx, err := f.db.Begin(true)
		if err != nil {
			return nil, err
		}
		f.tx, f.size = tx, 0
	}
	f.size += size
	return f.tx, nil
}

// end commits what is open, or, after an error, gives it up.
func (f *filler) end(err error) error {
	if f.tx == nil {
		return err
	}
	tx := f.tx
	f.tx = nil
	defer tx.Rollback() // does nothing after Commit, but when that cannot read
	if err != nil {
		return err
	}
	return tx.Commit()
}

// copyBucket copies a bucket and the buckets in it. path are its name and those
// of the buckets around it.
func (f *filler) copyBucket(path [][]byte, from *bolt.Bucket) error {
	if _, err := f.bucket(path, 0); err != nil {
		return err
	}
	return from.ForEach(func(k, v []byte) error {
		if v == nil {
			return f.copyBucket(append(path[:len(path):len(path)], k), from.Bucket(k))
		}
		to, err := f.bucket(path, len(k)+len(v))
		if err != nil {
			return err
		}
		return to.Put(k, v)
	})
}

// bucket returns the bucket at path, making it if need be, to write size bytes
// in.
func (f *filler) bucket(path [][]byte, size int) (b *bolt.Bucket, err error) {
	tx, err := f.in(size)
	if err != nil {
		return nil, err
	}
	for i, name := range path {
		if i == 0 {
			b, err = tx.CreateBucketIfNotExists(name)
		} else {
			b, err = b.CreateBucketIfNotExists(name)
		}
		if err != nil {
			return nil, fmt.Errorf("bucket %q: %w", name, err)
		}
		b.FillPercent = fillPercent
	}
	return b, nil
}
