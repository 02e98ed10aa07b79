package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/slots"
)

// FormatVersion is the version of the file's layout that this package writes.
const FormatVersion = 2

// Errors that callers branch on.
var (
	// ErrLocked is returned by [Open] when another process holds the vault.
	ErrLocked = errors.New("the vault is in use by another program")
	// ErrNotFound is returned for a submission, channel or mailbox that is not there.
	ErrNotFound = errors.New("not found in the vault")
	// ErrClosed is returned for every change that is asked of a closed vault.
	ErrClosed = errors.New("the vault is closed")
	// ErrFailed is returned for every change after a write that may or may not
	// have reached the disk: only opening the vault anew tells.
	ErrFailed = errors.New("the vault has stopped after a failed write and must be opened anew")
)

// A Vault is an open vault, locked against other processes.
type Vault struct {
	path     string
	upgraded string // what Upgraded says

	// exchange keeps readers off db while Compact puts another in its place.
	// The writer, which is the one that does, needs no lock.
	exchange sync.RWMutex
	db       *bolt.DB
	written  bool // since it was opened; see transaction

	slots    *slots.File
	spending chan struct{} // a lock; see lockSpending
	copying  chan struct{} // a lock, taken before spending; see lockCopying

	stopped sync.WaitGroup
	buffers chan []byte // for chunks; see takeBuffer

	// gate keeps Close from closing ops under a sender.
	gate   sync.RWMutex
	closed bool
	ops    chan op

	failed  chan struct{} // closed by the writer; see transact
	rosters atomic.Uint64 // how often a roster changed since the vault was opened
	hashed  sync.Map      // of rosterEpoch; see recipients
}

// Open opens the vault at path, ends what a crash interrupted (uploads are swept,
// deletions finished), and starts the writer. A vault of version 1 is upgraded
// first; see [Vault.Upgraded]. It returns [ErrLocked] when another process has
// it open, and an error that wraps [fs.ErrNotExist] when there is none.
func Open(path string) (*Vault, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("failed to open vault: %w", err)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("failed to open vault: %w", err)
	}
	db, upgraded, err := openCurrent(path)
	if err != nil {
		return nil, err
	}
	v := &Vault{path: path, upgraded: upgraded, db: db, spending: make(chan struct{}, 1), copying: make(chan struct{}, 1),
		ops: make(chan op, queueLength), failed: make(chan struct{}), buffers: make(chan []byte, 2*queueLength)}
	if err := v.start(); err != nil {
		return nil, errors.Join(err, v.closeFiles())
	}
	return v, nil
}

// start opens the slots, ends what was interrupted, and lets the writer run.
func (v *Vault) start() (err error) {
	if v.slots, err = openSlots(v.db, slotsPath(v.path)); err != nil {
		return err
	}
	if err := sweep(v.db.View, v.transaction); err != nil {
		return err
	}
	if err := v.overwriteSpent(v.db.View, v.transaction); err != nil {
		return err
	}
	if err := eraseDeleted(v.db.View, v.transaction); err != nil {
		return err
	}
	v.stopped.Go(v.write)
	return nil
}

// Upgraded tells the admin what Open did to a vault of an older version, and
// what is left to do by hand; "" when it did nothing.
func (v *Vault) Upgraded() string { return v.upgraded }

// Salt is random, made with the vault, and never changes: mailbox ids are
// derived with it.
func (v *Vault) Salt() ([]byte, error) {
	var salt []byte
	err := v.view(func(tx *bolt.Tx) error {
		stored, err := find(tx.Bucket(bucketMeta), keySalt)
		salt = bytes.Clone(stored)
		return err
	})
	if err == nil && len(salt) != saltSize {
		err = ErrDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("the vault's salt: %w", err)
	}
	return salt, nil
}

// Failed is closed when the vault has stopped after a failed write: whoever
// serves it should end, and be started again.
func (v *Vault) Failed() <-chan struct{} { return v.failed }

// Close waits for the writer to end what was queued, then closes the file.
// Drafts that are not committed fail with [ErrClosed]. Closing twice is fine.
func (v *Vault) Close() error {
	v.gate.Lock()
	if v.closed {
		v.gate.Unlock()
		return nil
	}
	v.closed = true
	close(v.ops)
	v.gate.Unlock()
	v.stopped.Wait()
	unlock, _ := v.lockCopying(context.Background()) // after a snapshot's reader
	defer unlock()
	v.exchange.Lock() // after all others: what is free is taken from under them
	defer v.exchange.Unlock()
	if !v.hasFailed() {
		settle(v.db, v.path)
	}
	return v.closeFiles()
}

func (v *Vault) isClosed() bool {
	v.gate.RLock()
	defer v.gate.RUnlock()
	return v.closed
}

func (v *Vault) closeFiles() error {
	err := v.db.Close()
	if v.slots != nil {
		err = errors.Join(err, v.slots.Close())
	}
	return err
}
