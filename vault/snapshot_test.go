package vault_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// keep writes a snapshot's files into a folder, where they are a vault.
func keep(s *vault.Snapshot, dir string) (path string, err error) {
	path = filepath.Join(dir, "vault.db")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := s.WriteVault(ctx, f); err != nil {
		return "", err
	}
	if info, err := f.Stat(); err != nil || info.Size() != s.VaultSize() {
		return "", fmt.Errorf("%d bytes, it said %d: %w", info.Size(), s.VaultSize(), err)
	}
	return path, os.WriteFile(filepath.Join(dir, "vault.slots"), s.Slots(), 0o600)
}

// checkKept opens what was kept: it is sound, has the log that the snapshot
// said, and holds all of these and none of those.
func checkKept(t *testing.T, path string, size int64, root [32]byte, all, none []vault.ID) {
	t.Helper()
	if err := vaulttest.Check(path); err != nil {
		t.Errorf("the snapshot: %v", err)
	}
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	got, err := translog.Root(size, v)
	if n, err2 := v.LogSize(); n != size || got != root || err != nil || err2 != nil {
		t.Errorf("the log has %d leaves, want %d: %v, %v", n, size, err, err2)
	}
	for _, id := range all {
		if err := readPayload(v, id); err != nil {
			t.Errorf("%s was acknowledged before: %v", id, err)
		}
		if _, err := v.Envelope(id); err != nil {
			t.Errorf("%s was acknowledged before: %v", id, err)
		}
	}
	for _, id := range none {
		if _, err := v.Entry(id); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("%s was deleted before: %v", id, err)
		}
	}
}

// A ground is a vault on which others work.
type ground struct {
	t       *testing.T
	v       *vault.Vault
	over    atomic.Bool
	workers sync.WaitGroup
	mu      sync.Mutex
	kept    []vault.ID // committed, and never to be deleted
	gone    []vault.ID // deleted
}

func (g *ground) work(do func()) {
	g.workers.Go(func() {
		for !g.over.Load() {
			do()
		}
	})
}

func (g *ground) end() {
	g.over.Store(true)
	g.workers.Wait()
}

func (g *ground) so(id vault.ID, list *[]vault.ID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	*list = append(*list, id)
}

// acknowledged waits until there is more of both than before, and returns all.
func (g *ground) acknowledged(before int) (kept, gone []vault.ID) {
	for len(kept) < before+3 || len(gone) < before+3 {
		time.Sleep(5 * time.Millisecond)
		g.mu.Lock()
		kept, gone = slices.Clone(g.kept), slices.Clone(g.gone)
		g.mu.Unlock()
	}
	return kept, gone
}

func (g *ground) upload() { g.so(submit(g.t, g.v, random(10), random(300<<10)), &g.kept) }

func (g *ground) delete() {
	id := submit(g.t, g.v, random(1000))
	if err := g.v.Delete(ctx, []vault.Deletion{byRetention(id)}); err != nil {
		g.t.Error(err)
	}
	g.so(id, &g.gone)
}

func (g *ground) apply() {
	id, other := submit(g.t, g.v, random(1000)), submit(g.t, g.v, random(1000))
	err := g.v.Apply(ctx, func(c *vault.Change) error {
		return errors.Join(c.Reenvelope(id, random(100), 1), c.MarkOpened(id), c.Delete(byRetention(other)))
	})
	if err != nil {
		g.t.Error(err)
	}
	g.so(id, &g.kept)
	g.so(other, &g.gone)
	if _, err := g.v.Batch(ctx); err != nil {
		g.t.Error(err)
	}
}

// Whatever goes on meanwhile, a snapshot is sound, holds all that was
// acknowledged before it began, and no key of what was deleted before.
func TestSnapshotUnderLoad(t *testing.T) {
	g := &ground{t: t, v: vaulttest.NewVault(t)}
	for _, do := range []func(){g.upload, g.upload, g.delete, g.apply} {
		g.work(do)
	}
	defer g.end()
	for n, take := range []func(fn func(*vault.Snapshot) error) error{
		func(fn func(*vault.Snapshot) error) error { return g.v.Snapshot(ctx, fn) },
		func(fn func(*vault.Snapshot) error) error { return vault.SnapshotInPlace(g.v, fn) },
		func(fn func(*vault.Snapshot) error) error { return g.v.Snapshot(ctx, fn) },
	} {
		dir := t.TempDir()
		kept, gone := g.acknowledged(3 * n)
		var path string
		var size int64
		var root [32]byte
		err := take(func(s *vault.Snapshot) (err error) {
			size, root = s.LogSize(), s.LogRoot()
			path, err = keep(s, dir)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		checkKept(t, path, size, root, kept, gone)
	}
}

// The vault goes on beside a snapshot, however slowly it is copied, and what
// comes meanwhile is not in it.
func TestChangesBesideASnapshot(t *testing.T) {
	v := vaulttest.NewVault(t)
	before, deleted := submit(t, v, random(1<<20)), submit(t, v, random(1000))
	var path string
	var size int64
	var root [32]byte
	err := v.Snapshot(ctx, func(s *vault.Snapshot) (err error) {
		after := submit(t, v, random(5<<20))
		if err := v.Delete(ctx, []vault.Deletion{byRetention(deleted)}); err != nil {
			return err
		}
		for range 20 { // over what became free, if that were used
			submit(t, v, random(100<<10))
		}
		if _, err := v.Batch(ctx); err != nil {
			return err
		}
		path, err = keep(s, t.TempDir())
		size, root = s.LogSize(), s.LogRoot()
		return errors.Join(err, readPayload(v, after))
	})
	if err != nil {
		t.Fatal(err)
	}
	checkKept(t, path, size, root, []vault.ID{before, deleted}, nil)
	if size != 0 {
		t.Errorf("the log had %d leaves", size)
	}
}

// Who compacts waits for a snapshot, and uploads do not wait for either.
func TestCompactWaitsForASnapshot(t *testing.T) {
	v := vaulttest.NewVault(t)
	submit(t, v, random(1<<20))
	compacted := make(chan error, 1)
	err := v.Snapshot(ctx, func(s *vault.Snapshot) error {
		go func() {
			_, _, err := v.Compact(ctx)
			compacted <- err
		}()
		impatient, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if _, _, err := v.Compact(impatient); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("compacting beside a snapshot: %w", err)
		}
		if err := v.Snapshot(impatient, nil); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("a snapshot beside a snapshot: %w", err)
		}
		submit(t, v, random(1<<20))
		return s.WriteVault(ctx, io.Discard)
	})
	if err := errors.Join(err, <-compacted); err != nil {
		t.Error(err)
	}
}

func TestSnapshotThatEnds(t *testing.T) {
	v := vaulttest.NewVault(t)
	submit(t, v, random(1<<20))
	mine := errors.New("mine")
	var slots []byte
	for _, take := range []func(fn func(*vault.Snapshot) error) error{
		func(fn func(*vault.Snapshot) error) error { return v.Snapshot(ctx, fn) },
		func(fn func(*vault.Snapshot) error) error { return vault.SnapshotInPlace(v, fn) },
	} {
		err := take(func(s *vault.Snapshot) error {
			slots = s.Slots()
			return mine
		})
		if !errors.Is(err, mine) || len(bytes.Trim(slots, "\x00")) > 0 {
			t.Errorf("%v, and %d bytes of keys", err, len(bytes.Trim(slots, "\x00")))
		}
	}
	ending, cancel := context.WithCancel(ctx)
	err := v.Snapshot(ending, func(s *vault.Snapshot) error {
		return s.WriteVault(ending, writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }))
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("its context ended: %v", err)
	}
	submit(t, v, random(10)) // nothing is locked
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := v.Snapshot(ctx, nil); !errors.Is(err, vault.ErrClosed) {
		t.Errorf("of a closed vault: %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A vault that was closed well says that its free pages are zeros. A snapshot
// does not, for the writer takes them while it is copied.
func TestSnapshotOfAVaultJustOpened(t *testing.T) {
	closed, path := vaulttest.NewVaultAt(t)
	kept, deleted := submit(t, closed, random(1<<20)), submit(t, closed, random(2<<20))
	if err := errors.Join(closed.Delete(ctx, []vault.Deletion{byRetention(deleted)}), closed.Close()); err != nil {
		t.Fatal(err)
	}
	v := vaulttest.Open(t, path)
	var copied string
	var size int64
	var root [32]byte
	err := v.Snapshot(ctx, func(s *vault.Snapshot) (err error) {
		submit(t, v, random(2<<20))
		size, root = s.LogSize(), s.LogRoot()
		copied, err = keep(s, t.TempDir())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if hasFreelist(t, copied) {
		t.Error("it has a list of free pages")
	}
	checkKept(t, copied, size, root, []vault.ID{kept}, []vault.ID{deleted})
	if err := vaulttest.Check(copied); err != nil {
		t.Errorf("after it was opened and closed: %v", err)
	}
}

// Closing waits: it changes free pages, which the snapshot may need.
func TestCloseWaitsForASnapshot(t *testing.T) {
	v := vaulttest.NewVault(t)
	kept, deleted := submit(t, v, random(1<<20)), submit(t, v, random(2<<20))
	closed := make(chan error, 1)
	var copied string
	err := v.Snapshot(ctx, func(s *vault.Snapshot) (err error) {
		if err := v.Delete(ctx, []vault.Deletion{byRetention(deleted)}); err != nil {
			return err
		}
		go func() { closed <- v.Close() }()
		select {
		case err := <-closed:
			return fmt.Errorf("it did not wait: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
		copied, err = keep(s, t.TempDir())
		return err
	})
	if err := errors.Join(err, <-closed); err != nil {
		t.Fatal(err)
	}
	checkKept(t, copied, 0, sha256.Sum256(nil), []vault.ID{kept, deleted}, nil)
}
