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
	file     os.FileInfo // of db's; see InPlace
	written  bool        // since it was opened; see transaction

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
	loose   sync.Map      // by slot: the ID of a change that failed; see giveBack
	full    refusal       // see Full
	undone  sync.Map      // of ID: drafts that could not be discarded; see Finish
	damaged sync.Map      // by ID: a func() error that reads it again; see Unreadable
	rosters atomic.Uint64 // how often a roster changed since the vault was opened
	hashed  sync.Map      // of rosterEpoch; see recipients
}

// Open opens the vault at path, ends what a crash interrupted (keys of changes that
// did not come about are overwritten, uploads swept, deletions finished), and starts
// the writer. What a full or failing disk does not let it end, or cannot read, is
// left to [Vault.Finish]; only a vault that was not closed must be readable as far as
// keys go, or the error wraps [ErrDamaged]. A vault of version 1 is upgraded
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
	file, err := os.Stat(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("failed to open vault: %w", err), db.Close())
	}
	v := &Vault{path: path, upgraded: upgraded, db: db, file: file, spending: make(chan struct{}, 1), copying: make(chan struct{}, 1),
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
	if err := v.overwriteLeftovers(); err != nil {
		return err
	}
	view := func(fn func(*bolt.Tx) error) error { return viewFile(v.db, fn) }
	drafts, err := idsOf(view, bucketDrafts)
	if err != nil {
		return fmt.Errorf("failed to find interrupted uploads: %w", err)
	}
	for _, id := range drafts {
		v.undone.Store(id, nil)
	}
	run := func(apply func(*bolt.Tx) error) error {
		if v.hasFailed() {
			return ErrFailed
		}
		return v.transact([]op{{alone: true, apply: apply}}, make([]error, 1))
	}
	// What the disk does not let end now it may later: nothing that was received
	// is worse for it, and a server that does not start receives nothing.
	err = v.finish(view, run)
	later := errors.Is(err, ErrFull) || errors.Is(err, ErrNotOverwritten) || errors.Is(err, errFault)
	if err != nil && (v.hasFailed() || !later) {
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
	loose, _ := v.looseSlots() // which only a file that is not settled has the next Open look for
	settles := !v.hasFailed() && v.InPlace() == nil && len(loose) == 0
	v.exchange.Lock() // after all others: what is free is taken from under them
	defer v.exchange.Unlock()
	if settles {
		settle(v.db, v.path)
	}
	return v.closeFiles()
}

func (v *Vault) isClosed() bool {
	v.gate.RLock()
	defer v.gate.RUnlock()
	return v.closed
}

// closeFiles closes the vault's file, whose lock the next one waits for, last.
func (v *Vault) closeFiles() (err error) {
	if v.slots != nil {
		err = v.slots.Close()
	}
	return errors.Join(err, v.db.Close())
}
