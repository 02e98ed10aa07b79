package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"
)

const (
	// compactSuffix ends the name of the file that Compact writes.
	compactSuffix = ".compact"

	// compactBytes is how much each of its transactions takes: keys and values.
	compactBytes = 16 << 20
)

// Compact writes everything that the vault holds into a new file and puts it in
// the place of the old one, which goes, and with it the pages that still held
// what was deleted. It returns the file's size before and after, in bytes. While
// it copies nothing can be changed, and uploads wait; readers go on. It needs
// free space for the new file. After an error or a crash the vault is the old
// one or the new one, which hold the same.
func (v *Vault) Compact(ctx context.Context) (before, after int64, err error) {
	unlock, err := v.lockCopying(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("failed to compact the vault: %w", err)
	}
	defer unlock()
	err = v.await(ctx, op{alone: true, between: func() (err error) {
		before, after, err = v.compact(ctx)
		return err
	}})
	if err != nil {
		return 0, 0, fmt.Errorf("failed to compact the vault: %w", err)
	}
	return before, after, nil
}

// compact runs on the writer.
func (v *Vault) compact(ctx context.Context) (before, after int64, err error) {
	building := v.path + compactSuffix
	db, err := newFile(building)
	if err != nil {
		return 0, 0, err
	}
	if err = errors.Join(copyAll(ctx, db, v.db), ctx.Err()); err == nil {
		before, after, err = sizes(v.db, db)
	}
	if err != nil {
		return 0, 0, errors.Join(err, db.Close(), os.Remove(building))
	}
	return before, after, v.putInPlace(db, building)
}

// putInPlace gives a complete, durable file the vault's name and uses it from
// now on. Once it has the name there is no way back: when that cannot be made
// durable the vault stops.
func (v *Vault) putInPlace(db *bolt.DB, building string) error {
	file, err := os.Stat(building)
	if err == nil {
		err = rename(file, building, v.path)
	}
	if err != nil {
		return errors.Join(err, db.Close(), os.Remove(building))
	}
	v.exchange.Lock()
	old := v.db
	v.db, v.file = db, file
	v.exchange.Unlock()
	if err := errors.Join(syncFolder(v.path), old.Close()); err != nil {
		close(v.failed)
		return err
	}
	return nil
}

// rename looks before it believes that it failed: a file system may have done it.
func rename(file os.FileInfo, from, to string) error {
	err := os.Rename(from, to)
	if err == nil {
		return nil
	}
	if there, statErr := os.Stat(to); statErr == nil && os.SameFile(file, there) {
		return nil
	}
	return err
}

// newFile makes an empty file to be filled at one go: it is not synced before
// [finish]. What a crash left under the name goes.
func newFile(path string) (*bolt.DB, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := openFile(path)
	if err != nil {
		return nil, err
	}
	db.NoSync = true
	return db, nil
}

// finish makes a file that was filled durable, and each transaction from now on.
func finish(db *bolt.DB) error {
	db.NoSync = false
	return db.Sync()
}

func copyAll(ctx context.Context, to, from *bolt.DB) error {
	f := filler{ctx: ctx, db: to}
	err := viewFile(from, func(tx *bolt.Tx) error {
		err := tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			return f.copyBucket([][]byte{name}, b)
		})
		if err != nil {
			return err
		}
		return f.end(nil)
	})
	return errors.Join(f.end(err), finish(to))
}

func sizes(old, compacted *bolt.DB) (before, after int64, err error) {
	size := func(of *int64) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			*of = tx.Size()
			return nil
		}
	}
	err = errors.Join(old.View(size(&before)), compacted.View(size(&after)))
	return before, after, err
}
