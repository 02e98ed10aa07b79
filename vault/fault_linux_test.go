package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"sourdine/vault/translog"
)

// submitted commits a submission of three chunks.
func submitted(t *testing.T, v *Vault) ID {
	t.Helper()
	d := v.NewDraft()
	defer d.Discard()
	w, err := d.Item(t.Context(), 0)
	if err == nil {
		_, err = w.Write(make([]byte, 600<<10))
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	id, err := d.Commit(t.Context(), Commitment{Channel: "Nice", Day: today(), Envelope: []byte("envelope")})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// failPage makes a page of the open vault fault, as a bad sector does.
func failPage(t *testing.T, v *Vault, page uint64) (mend func()) {
	t.Helper()
	at := unsafe.Slice((*byte)(unsafe.Add(nil, v.db.Info().Data+uintptr(page)*4096)), 4096)
	if err := unix.Mprotect(at, unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Mprotect(at, unix.PROT_READ); err != nil {
			t.Error(err)
		}
	}
}

// rootOf is the page where a bucket begins.
func rootOf(t *testing.T, v *Vault, path ...[]byte) (page uint64) {
	t.Helper()
	err := v.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(path[0])
		for _, name := range path[1:] {
			b = b.Bucket(name)
		}
		page = uint64(b.Root())
		return nil
	})
	if err != nil || page == 0 {
		t.Fatalf("page %d, %v", page, err)
	}
	return page
}

func newVault(t *testing.T) (*Vault, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := Create(path); err != nil {
		t.Fatal(err)
	}
	v, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v, path
}

func deletion(id ID) []Deletion { return []Deletion{{ID: id, Reason: translog.ByLimit}} }

// A page of one submission's that cannot be read keeps nobody from deleting it,
// nor any other, and ends no program.
func TestBadPageUnderDeletion(t *testing.T) {
	v, _ := newVault(t)
	bad, other, kept := submitted(t, v), submitted(t, v), submitted(t, v)
	mend := failPage(t, v, rootOf(t, v, bucketChunks, chunkKey(bad, 0, 1)))
	ctx := context.Background()
	if err := v.Delete(ctx, append(deletion(bad), deletion(other)...)); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if err := v.Delete(ctx, deletion(kept)); err != nil {
		t.Errorf("Delete of another: %v", err)
	}
	u, err := v.Unfinished()
	if err != nil || u.Erasing != 1 || len(u.Keys) != 0 {
		t.Errorf("%+v, %v", u, err)
	}
	if err := v.Finish(ctx); !errors.Is(err, ErrDamaged) {
		t.Errorf("Finish: %v", err)
	}
	if _, _, err := v.Compact(ctx); !errors.Is(err, ErrDamaged) {
		t.Errorf("Compact: %v", err)
	}
	submitted(t, v)
	if left, _ := filepath.Glob(v.path + "*"); len(left) != 1 {
		t.Errorf("%q", left)
	}
	mend()
	if err := v.Finish(ctx); err != nil {
		t.Errorf("Finish when it can be read again: %v", err)
	}
	if _, _, err := v.Compact(ctx); err != nil {
		t.Errorf("Compact when it can be read again: %v", err)
	}
	if u, err := v.Unfinished(); err != nil || u.Erasing != 0 {
		t.Errorf("%+v, %v", u, err)
	}
}

// A page that a change has to read fails that change: the next one is made.
func TestBadPageUnderChange(t *testing.T) {
	v, _ := newVault(t)
	var first ID
	for range 40 {
		id := submitted(t, v)
		if first == (ID{}) {
			first = id
		}
	}
	mend := failPage(t, v, rootOf(t, v, bucketSubmissions))
	if err := v.Delete(t.Context(), deletion(first)); !errors.Is(err, ErrDamaged) {
		t.Errorf("Delete: %v", err)
	}
	d := v.NewDraft()
	if w, err := d.Item(t.Context(), 0); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if _, err := d.Commit(t.Context(), Commitment{Channel: "Nice", Day: today(), Envelope: []byte("e")}); !errors.Is(err, ErrDamaged) {
		t.Errorf("Commit: %v", err)
	}
	d.Discard()
	if err := v.Snapshot(t.Context(), func(*Snapshot) error { return nil }); err != nil {
		t.Errorf("a snapshot: %v", err)
	}
	if _, err := v.Batch(t.Context()); err != nil {
		t.Errorf("a batch: %v", err)
	}
	mend()
	if err := v.Delete(t.Context(), deletion(first)); err != nil {
		t.Errorf("Delete when it can be read again: %v", err)
	}
	submitted(t, v)
	select {
	case <-v.Failed():
		t.Error("the vault stopped")
	default:
	}
}

// A vault that was not closed and a page of which cannot be read does not open, and
// says why; bbolt by itself would end the program.
func TestBadPageWhenOpened(t *testing.T) {
	v, path := newVault(t)
	for range 5 {
		submitted(t, v)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	slots, err := os.ReadFile(slotsPath(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, pages := range []int{2, 3, 100, 300} {
		copied := filepath.Join(t.TempDir(), fmt.Sprint(pages)+".db")
		if err := errors.Join(os.WriteFile(copied, raw[:pages*4096], 0o600), os.WriteFile(slotsPath(copied), slots, 0o600)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if again, err := Open(copied); err == nil {
				t.Errorf("a file of %d pages was opened", pages)
				again.Close()
			} else if !errors.Is(err, ErrDamaged) {
				t.Errorf("a file of %d pages: %v", pages, err)
			}
		}
	}
}
