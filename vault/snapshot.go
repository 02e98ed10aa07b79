package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault/translog"
)

// crowded is from which size on a vault is not written while it is copied. When
// the file outgrows what is mapped, bbolt maps it anew, which waits for the
// snapshot's reader and lets nobody else read meanwhile. What is left below
// mapSize is more than Tor brings in during a backup.
const crowded = mapSize - 8<<30

// A Snapshot is what the vault's two files hold at one instant, while no change
// goes on. It is of no use after the function that it was given to.
type Snapshot struct {
	tx    *bolt.Tx
	slots []byte
	size  int64
	root  tlog.Hash
}

// Snapshot takes a snapshot and gives it to fn. Everything that was acknowledged
// before is in it, and no key that a deletion overwrote before. Changes wait for a
// deletion that is being finished, and while the slots are read into memory (128
// bytes for each submission that the vault ever held at once); then they go on
// beside fn. Until fn returns, pages that become free are not used again, and
// Compact and other snapshots wait. While fn copies a vault of 56 GiB and more,
// uploads wait. fn must not ask the vault for a change, nor close it.
func (v *Vault) Snapshot(ctx context.Context, fn func(*Snapshot) error) error {
	unlock, err := v.lockCopying(ctx)
	if err != nil {
		return fmt.Errorf("failed to take a snapshot: %w", err)
	}
	defer unlock()
	return v.snapshot(ctx, fn, crowded)
}

// lockCopying lets one goroutine at a time copy the vault's file: Compact
// exchanges it, and would have the writer wait for a snapshot's reader.
func (v *Vault) lockCopying(ctx context.Context) (unlock func(), err error) {
	select {
	case v.copying <- struct{}{}:
		return func() { <-v.copying }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// snapshot runs fn beside the writer, or in its place when the file has that
// many bytes.
func (v *Vault) snapshot(ctx context.Context, fn func(*Snapshot) error, tooLarge int64) error {
	var s *Snapshot
	var inPlace bool
	var told error // by fn
	err := v.inWritersPlace(ctx, func() (err error) {
		if s, err = v.takeSnapshot(); err != nil {
			return err
		}
		if inPlace = s.VaultSize() >= tooLarge; inPlace {
			told = s.give(fn)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("failed to take a snapshot: %w", err)
	}
	if inPlace {
		return told
	}
	return s.give(fn)
}

// inWritersPlace runs fn while there is no transaction, and no deletion between
// its first step and its last (FORMAT.md, section 4).
func (v *Vault) inWritersPlace(ctx context.Context, fn func() error) error {
	unlock, err := v.lockSpending(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return v.await(ctx, op{alone: true, between: fn})
}

// takeSnapshot runs on the writer.
func (v *Vault) takeSnapshot() (*Snapshot, error) {
	if err := v.unsettle(); err != nil {
		return nil, err
	}
	const writable = false
	tx, err := v.db.Begin(writable)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{tx: tx}
	err = guarded(func() (err error) {
		s.size = logSize(tx)
		s.root, err = translog.Root(s.size, hashReader{tx})
		return err
	})
	if err == nil {
		s.slots, err = readSettled(slotsPath(v.path))
	}
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// unsettle writes a header. The one of a vault that was just opened may say that
// free pages are zeros (FORMAT.md, section 1.2), and while the file is copied
// the writer puts something there. On a full disk there is nothing to put.
func (v *Vault) unsettle() error {
	nothing := op{apply: func(*bolt.Tx) error { return nil }}
	err := v.transact([]op{nothing}, make([]error, 1))
	if errors.Is(err, ErrFull) {
		return nil
	}
	return err
}

func (s *Snapshot) give(fn func(*Snapshot) error) (err error) {
	defer func() { err = errors.Join(err, s.end()) }()
	return fn(s)
}

// end lets go of the transaction, and of the keys.
func (s *Snapshot) end() error {
	clear(s.slots)
	return s.tx.Rollback()
}

// readSettled reads the slots file until two readings agree: an upload that is
// about to commit may be making new slots ready. They are of nothing that the
// transaction sees; without this one could be copied half written. The slots in
// use stay as they are, for nobody spends one now.
func readSettled(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var last []byte
	for {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		read := make([]byte, info.Size())
		if _, err := f.ReadAt(read, 0); err != nil {
			return nil, err
		}
		settled := last != nil && bytes.Equal(read, last)
		clear(last)
		if settled {
			return read, nil
		}
		last = read
	}
}

// LogSize is how many leaves the log has.
func (s *Snapshot) LogSize() int64 { return s.size }

// LogRoot is the hash of the log's tree.
func (s *Snapshot) LogRoot() tlog.Hash { return s.root }

// Slots is the slots file. It is overwritten when the snapshot ends.
func (s *Snapshot) Slots() []byte { return s.slots }

// VaultSize is how many bytes [Snapshot.WriteVault] writes.
func (s *Snapshot) VaultSize() int64 { return s.tx.Size() }

// WriteVault writes the vault's file to w, in constant memory. It ends early,
// with an error, when ctx ends.
func (s *Snapshot) WriteVault(ctx context.Context, w io.Writer) error {
	to := &until{ctx: ctx, w: w}
	n, err := s.tx.WriteTo(to)
	if to.err != nil {
		err = to.err
	}
	if err == nil && n != s.VaultSize() {
		err = fmt.Errorf("%d bytes of %d", n, s.VaultSize())
	}
	if err != nil {
		return fmt.Errorf("failed to copy the vault: %w", err)
	}
	return nil
}

// until refuses to write after ctx ended. It keeps its error: bbolt wraps not
// all of them.
type until struct {
	ctx context.Context
	w   io.Writer
	err error
}

func (u *until) Write(p []byte) (n int, err error) {
	if u.err = u.ctx.Err(); u.err == nil {
		n, u.err = u.w.Write(p)
	}
	return n, u.err
}
