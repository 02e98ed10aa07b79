package vault

import (
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// settle prepares the file of a vault that is about to be closed: FORMAT.md,
// section 1.2. The bytes of all free pages become zeros, which gives their space
// back to the file system, so that nothing of what was deleted is left in the file and
// Verify can tell what every byte must be. The list of free pages is written: while
// the vault is open it is not, which would cost a write with each transaction, but
// a file without it is read page by page when it is opened. It costs two
// transactions, and no time for what is in use.
//
// Nobody may be reading. A crash at any instant leaves a vault that holds the
// same. When it fails, the vault is one that was killed: so that is no error.
func settle(db *bolt.DB, path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	_ = settleFile(db, f)
}

func settleFile(db *bolt.DB, f *os.File) error {
	before, err := openImage(f)
	if err != nil || before.settled {
		return err // nothing was written since it was closed last
	}
	if before.meta.freelist != noFreelist {
		// A header that names a list says that free pages are zeros once both do.
		if err := db.Update(func(*bolt.Tx) error { return nil }); err != nil {
			return err
		}
	}
	db.NoFreelistSync = false
	if err := db.Update(func(*bolt.Tx) error { return nil }); err != nil {
		return err
	}
	// Both headers have the same tree now: what is free is free for both.
	listed, err := openImage(f)
	if err != nil {
		return err
	}
	if listed.meta.txid <= before.meta.txid || listed.meta.freelist == noFreelist || listed.other().root != listed.meta.root {
		return errors.New("another file has the vault's name")
	}
	if err := listed.emptyFree(f); err != nil {
		return fmt.Errorf("failed to empty free pages: %w", err)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := db.Update(func(*bolt.Tx) error { return nil }); err != nil {
		return err
	}
	last, err := openImage(f)
	if err != nil {
		return err
	}
	return f.Truncate(last.end())
}

// transaction is [updateFile], for the writer. The first one takes back, before a page is
// written, what settle promised of free pages: a crash could leave what
// it wrote in them.
func (v *Vault) transaction(apply func(*bolt.Tx) error) error {
	if !v.written {
		if err := updateFile(v.db, func(*bolt.Tx) error { return nil }); err != nil {
			return err
		}
		v.written = true
	}
	return updateFile(v.db, apply)
}

// emptyFree makes the bytes of all pages on the list zeros, and cuts off what is
// behind the last page.
func (g *image) emptyFree(f *os.File) error {
	if err := f.Truncate(g.end()); err != nil {
		return err
	}
	var first, after uint64 // of a run of pages
	for id, err := range g.listed(g.meta) {
		if err != nil {
			return err
		}
		if id == after {
			after++
			continue
		}
		if err := g.empty(f, first, after); err != nil {
			return err
		}
		first, after = id, id+1
	}
	return g.empty(f, first, after)
}

func (g *image) empty(f *os.File, first, after uint64) error {
	if first == after {
		return nil
	}
	at, length := int64(first)*g.pageSize, int64(after-first)*g.pageSize
	err := punch(f, at, length)
	if errors.Is(err, errors.ErrUnsupported) {
		return g.overwrite(f, at, length)
	}
	return err
}

// overwrite writes zeros where there are none yet.
func (g *image) overwrite(f *os.File, at, length int64) error {
	page := make([]byte, g.pageSize)
	for end := at + length; at < end; at += g.pageSize {
		if err := readFull(f, page, at); err != nil {
			return err
		}
		if isZero(page) {
			continue
		}
		clear(page)
		if _, err := f.WriteAt(page, at); err != nil {
			return err
		}
	}
	return nil
}

// Space returns the size of the vault's file and how much of it is free pages, in
// bytes, as of the last change since it was opened.
func (v *Vault) Space() (size, free int64) {
	_ = v.view(func(tx *bolt.Tx) error {
		size, free = tx.Size(), int64(tx.DB().Stats().FreeAlloc)
		return nil
	})
	return size, free
}
