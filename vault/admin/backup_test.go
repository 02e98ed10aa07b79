//go:build long

package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/backup"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// worked is what a desk knows to have been acknowledged.
type worked struct {
	mu         sync.Mutex
	kept, gone []string
}

func (w *worked) note(kept, gone string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept, w.gone = append(w.kept, kept), append(w.gone, gone)
}

func (w *worked) since(n int) (kept, gone []string) {
	for len(kept) < n {
		time.Sleep(5 * time.Millisecond)
		w.mu.Lock()
		kept, gone = slices.Clone(w.kept), slices.Clone(w.gone)
		w.mu.Unlock()
	}
	return kept, gone
}

// While sources send, and desks delete, acknowledge and answer, a backup holds
// all that was acknowledged before it began, and what was deleted is deleted.
func TestBackupUnderLoad(t *testing.T) {
	alice, bob := newDesks(t)
	_, name := alice.mailbox(1)
	var done worked
	var over atomic.Bool
	var working sync.WaitGroup
	for _, d := range []*desk{alice, bob} {
		working.Go(func() {
			for !over.Load() {
				kept, gone := d.commit("Paris"), d.commit("Paris")
				o, files := d.next(), map[string][]byte{}
				o.Acknowledged = []string{kept}
				reply(o, name, d.message(), files)
				d.apply(o, files, deletion(gone, "Paris"))
				done.note(kept, gone)
			}
		})
	}
	working.Go(func() {
		for !over.Load() {
			fill(t, alice.local.Vault(), 1<<20)
		}
	})
	defer func() { over.Store(true); working.Wait() }()
	remote := connect(t, alice.home)
	for n := range 3 {
		kept, gone := done.since(4 * (n + 1))
		done, local := restored(t, backedUp(t, remote))
		m := done.Manifest
		for _, id := range kept {
			if e, err := local.Vault().Entry(parseID(t, id)); err != nil || e.Channel != "Paris" {
				t.Errorf("%s was acknowledged before: %v", id, err)
			}
			if _, err := local.Vault().Envelope(parseID(t, id)); err != nil {
				t.Errorf("%s was acknowledged before: %v", id, err)
			}
		}
		for _, id := range gone {
			if _, err := local.Vault().Entry(parseID(t, id)); !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("%s was deleted before: %v", id, err)
			}
		}
		if m.VaultKey != alice.vaultKey || m.LogSize < int64(len(kept)) {
			t.Errorf("%+v", m)
		}
	}
}

// What comes back is the server: its keys, its channels, its log with what was
// pending, and what it knows of desks.
func TestRestore(t *testing.T) {
	alice, bob := newDesks(t)
	id, deleted := alice.commit("Paris"), alice.commit("Paris")
	bob.apply(bob.next(), nil, deletion(deleted, "Paris"))
	waits := alice.commit("Nice")
	before := time.Now().UTC().Format(time.DateOnly)
	done, local := restored(t, backedUp(t, alice.local))
	h, m := done.Home, done.Manifest
	if m.Day != before && m.Day != time.Now().UTC().Format(time.DateOnly) {
		t.Errorf("it is of %s", m.Day)
	}
	size, err := alice.local.Vault().LogSize()
	if pending, err2 := local.Vault().Pending(); err != nil || err2 != nil || pending != 0 || m.LogSize != size {
		t.Errorf("%d leaves, the server has %d; %d are pending: %v, %v", m.LogSize, size, pending, err, err2)
	}
	for _, id := range []string{id, waits} {
		want, err1 := alice.local.Vault().Envelope(parseID(t, id))
		got, err2 := local.Vault().Envelope(parseID(t, id))
		if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("the envelope of %s: %v, %v", id, err1, err2)
		}
	}
	want, err1 := alice.local.Status(ctx)
	got, err2 := local.Status(ctx)
	if err1 != nil || err2 != nil || got.VaultKey != want.VaultKey || got.Log.Size != want.Log.Size+1 || len(got.Desks) != 1 || got.Desks[0] != want.Desks[0] {
		t.Errorf("%+v, want %+v: %v, %v", got, want, err1, err2)
	}
	for _, site := range []string{admin.SourceSite, admin.PickupSite} {
		if raw, err := h.ReadOnionKey(site); err != nil || !bytes.Equal(raw, onionKeys[site]) {
			t.Errorf("the key of the %s: %q, %v", site, raw, err)
		}
	}
	// And it goes on: the next parcel of a desk that has seen no more is taken.
	bob = bob.at(local)
	o := bob.next()
	o.Acknowledged = []string{id}
	bob.apply(o, nil)
}

// A desk that has seen more than a backup holds is not taken for one that has
// not; and one that has not goes on.
func TestRestoredOldBackupIsNoticed(t *testing.T) {
	alice, bob := newDesks(t)
	id := alice.commit("Paris")
	tar := backedUp(t, alice.local)
	later := alice.commit("Paris")
	seen := alice.next() // of a log with the later one
	seen.Acknowledged = []string{later}
	done, local := restored(t, tar)
	// What says so takes the place of the one that was lost.
	bob = bob.at(local)
	other := bob.commit("Paris")
	o := bob.next()
	o.Acknowledged = []string{id, other}
	if o.Seen != seen.Seen+1 || done.Manifest.LogSize >= seen.Seen {
		t.Fatalf("the logs have %d, %d and %d leaves", done.Manifest.LogSize, seen.Seen, o.Seen)
	}
	bob.apply(o, nil)
	alice = alice.at(local)
	if _, err := local.ApplyParcel(ctx, bytes.NewReader(alice.pack(seen, nil))); !errors.Is(err, admin.ErrOtherLog) {
		t.Errorf("the desk that has seen more: %v", err)
	}
	if problems := alice.problems(); len(problems) != 1 || !strings.Contains(problems[0], "an older backup was restored") {
		t.Errorf("the admin is told %q", problems)
	}
}

func TestBackupRefuses(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	local := serving(t, h)
	k := vaulttest.NewKey(t, vaulttest.V4)
	var private bytes.Buffer
	if err := k.Entity.SerializePrivateWithoutSigning(&private, nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		certificate []byte
		want        error
	}{
		"nothing": {nil, admin.ErrRefused}, "noise": {make([]byte, 1000), admin.ErrRefused},
		"a private key": {private.Bytes(), seal.ErrPrivateKey}, "a huge file": {make([]byte, 3<<20), admin.ErrRefused},
	} {
		for where, a := range map[string]admin.Admin{"locally": local, "remotely": connect(t, h)} {
			var got bytes.Buffer
			if err := a.Backup(ctx, &got, c.certificate); !errors.Is(err, c.want) || got.Len() > 0 {
				t.Errorf("%s, %s: %v, and %d bytes", name, where, err, got.Len())
			}
		}
	}
}

// A backup that breaks off is an error, and holds up nothing afterwards.
func TestBrokenOffBackup(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	local := serving(t, h)
	fill(t, local.Vault(), 8<<20)
	certificate := vaulttest.NewKey(t, vaulttest.X25519).Certificate(t)
	errFull := errors.New("no space left")
	r, full := io.Pipe()
	r.CloseWithError(errFull)
	for where, a := range map[string]admin.Admin{"locally": local, "remotely": connect(t, h)} {
		if err := a.Backup(ctx, full, certificate); !errors.Is(err, errFull) {
			t.Errorf("a full stick, %s: %v", where, err)
		}
		asking, interrupt := context.WithCancel(ctx)
		var got bytes.Buffer
		if err := a.Backup(asking, &onFirst{&got, interrupt}, certificate); !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted, %s: %v after %d bytes", where, err, got.Len())
		}
	}
	if _, _, err := local.Vault().Compact(ctx); err != nil { // waits for readers
		t.Error(err)
	}
	backedUp(t, local)
}

// What is consistent in itself, and yet not what it says, is refused; and nothing
// remains.
func TestRestoreRefuses(t *testing.T) {
	alice, _ := newDesks(t)
	alice.commit("Paris")
	tar := backedUp(t, alice.local)
	for name, c := range map[string]struct{ old, with string }{
		"another root":     {`"log_root": "`, `"log_root": "00000000`},
		"another size":     {`"log_size": `, `"log_size": 1`},
		"another key":      {`"vault_key": "sourdine/vault/`, `"vault_key": "sourdine/vault/00`},
		"an altered vault": {"channels", "chonnels"},
	} {
		altered := bytes.Clone(tar)
		at := bytes.LastIndex(altered, []byte(c.old))
		if at < 0 {
			t.Fatalf("%s: %q is not in it", name, c.old)
		}
		copy(altered[at:], c.with) // as long as it was
		for place, prepare := range map[string]func(string) error{
			"nothing": func(string) error { return nil }, "a folder": func(dir string) error { return os.Mkdir(dir, 0o700) },
		} {
			parent := t.TempDir()
			dir := filepath.Join(parent, "home")
			if err := prepare(dir); err != nil {
				t.Fatal(err)
			}
			before := tree(t, parent)
			if _, err := admin.Restore(ctx, dir, bytes.NewReader(altered)); !errors.Is(err, backup.ErrDamaged) {
				t.Errorf("%s, where there is %s: %v", name, place, err)
			}
			if after := tree(t, parent); len(after) != len(before) {
				t.Errorf("%s, where there is %s: left %v", name, place, after)
			}
		}
	}
	parent := t.TempDir()
	if err := os.WriteFile(filepath.Join(parent, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"a home": filepath.Dir(alice.home.Vault()), "a file": filepath.Join(parent, "file"), "a folder with something": parent} {
		r := bytes.NewReader(tar)
		if _, err := admin.Restore(ctx, dir, r); !errors.Is(err, admin.ErrHomeExists) || r.Len() != len(tar) {
			t.Errorf("over %s: %v, and %d bytes were read", name, err, len(tar)-r.Len())
		}
	}
	ending, cancel := context.WithCancel(ctx)
	cancel()
	dir := filepath.Join(parent, "interrupted")
	if _, err := admin.Restore(ending, dir, bytes.NewReader(tar)); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := os.Lstat(dir); err == nil {
		t.Error("interrupted: it left a folder")
	}
}

// Where a power cut stopped a restore, the next cleans up.
func TestInterruptedRestore(t *testing.T) {
	alice, _ := newDesks(t)
	alice.seesAnotherLog()
	tar := backedUp(t, alice.local)
	parts := []string{"onion", "tor", "run", "forks", "vault.key", "vault.slots"}
	for moved := range len(parts) + 1 {
		done, err := admin.Restore(ctx, filepath.Join(t.TempDir(), "home"), bytes.NewReader(tar))
		if err != nil {
			t.Fatal(err)
		}
		h := done.Home
		dir := filepath.Dir(h.Vault())
		building := filepath.Join(dir, ".sourdine-home-123")
		if err := os.Mkdir(building, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range append([]string{"vault.db"}, parts[moved:]...) {
			if err := os.Rename(filepath.Join(dir, name), filepath.Join(building, name)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := admin.OpenHome(dir); !errors.Is(err, admin.ErrNoHome) {
			t.Errorf("%d parts moved: %v", moved, err)
		}
		if _, err := admin.Restore(ctx, dir, bytes.NewReader(tar)); err != nil {
			t.Errorf("%d parts moved: %v", moved, err)
		}
		if got := tree(t, dir); len(got) != 11 || vaulttest.Check(h.Vault()) != nil {
			t.Errorf("%d parts moved: %v", moved, got)
		}
	}
}
