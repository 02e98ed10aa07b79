package vault_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// byRetention is a deletion that needs no order.
func byRetention(id vault.ID) vault.Deletion {
	return vault.Deletion{ID: id, Reason: translog.ByRetention}
}

// gone fails unless nothing at all shows the submission.
func gone(t testing.TB, v *vault.Vault, id vault.ID) {
	t.Helper()
	_, entry := v.Entry(id)
	_, envelope := v.Envelope(id)
	_, opened := v.Opened(id)
	_, acked := v.AckedByAll(id)
	for name, err := range map[string]error{"Entry": entry, "Envelope": envelope, "Opened": opened, "AckedByAll": acked} {
		if !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("%s of a deleted submission: %v", name, err)
		}
	}
	for e, err := range v.Entries() {
		if err != nil || e.ID == id {
			t.Errorf("the deleted submission is listed, %v", err)
		}
	}
}

// slotBytes is what both copies of a submission's slot hold now, found while
// the submission was there.
func slotBytes(t testing.TB, path string, slot uint32) []byte {
	t.Helper()
	file, err := os.ReadFile(path[:len(path)-len(".db")] + ".slots")
	if err != nil {
		t.Fatal(err)
	}
	at := 8192 + int(slot/64)*8192 + int(slot%64)*64
	return append(bytes.Clone(file[at:at+64]), file[at+4096:at+4096+64]...)
}

// slotOf reads a closed vault.
func slotOf(t testing.TB, path string, id vault.ID) (slot uint32, envelope []byte) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		envelope = bytes.Clone(tx.Bucket([]byte("envelopes")).Get(id[:]))
		return nil
	})
	if err != nil || len(envelope) < 8 {
		t.Fatalf("the envelope of %s has %d bytes, %v", id, len(envelope), err)
	}
	return binary.BigEndian.Uint32(envelope), envelope
}

func TestDelete(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	kept := submit(t, v, random(100))
	id := submit(t, v, random(10), random(600_000))
	other := submit(t, v, random(10))
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	slot, _ := slotOf(t, path, id)
	if bytes.Equal(slotBytes(t, path, slot), make([]byte, 128)) {
		t.Fatal("the slot is empty from the beginning")
	}
	v = vaulttest.Open(t, path)
	if err := v.Delete(ctx, []vault.Deletion{byRetention(id), byRetention(other)}); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	gone(t, v, id)
	gone(t, v, other)
	// Read while the vault is open: the kernel has it, Close added nothing.
	if !bytes.Equal(slotBytes(t, path, slot), make([]byte, 128)) {
		t.Error("the slot of a deleted submission still holds a key")
	}
	if err := v.Delete(ctx, []vault.Deletion{byRetention(id)}); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("deleting twice: %v", err)
	}
	if _, err := v.Envelope(kept); err != nil || count(t, v) != 1 {
		t.Errorf("what was not deleted: %v", err)
	}
}

// Where one of several is not there, or a reason is none, none is deleted.
func TestDeleteIsWholeOrNothing(t *testing.T) {
	v := vaulttest.NewVault(t)
	id := submit(t, v, random(10))
	for name, second := range map[string]vault.Deletion{
		"unknown": byRetention(vault.NewID()), "twice": byRetention(id), "no reason": {ID: id},
		"no order": {ID: id, Reason: translog.ByOrder, By: fingerprint("A")},
		"two":      {ID: id, Reason: translog.ByLimit, By: fingerprint("A"), Order: order("x")},
	} {
		if err := v.Delete(ctx, []vault.Deletion{byRetention(id), second}); err == nil {
			t.Errorf("%s: deleted", name)
		}
	}
	if _, err := v.Envelope(id); err != nil || pending(t, v) != 1 {
		t.Errorf("the submission after what was refused: %v, %d leaves", err, pending(t, v))
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := v.Delete(cancelled, []vault.Deletion{byRetention(id)}); err == nil {
		gone(t, v, id) // both may be chosen
	}
	if err := v.Delete(ctx, nil); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}
}

// A deletion that a crash stopped between any two of its steps is invisible, and
// ended by the next Open.
func TestInterruptedDeletion(t *testing.T) {
	for name, steps := range map[string]func(*vault.Vault, vault.ID) error{
		"hidden": func(v *vault.Vault, id vault.ID) error { return vault.Hide(v, byRetention(id)) },
		"overwritten": func(v *vault.Vault, id vault.ID) error {
			return errors.Join(vault.Hide(v, byRetention(id)), vault.Overwrite(v))
		},
	} {
		v, path := vaulttest.NewVaultAt(t)
		id := submit(t, v, random(10), random(3<<20))
		kept := submit(t, v, random(10))
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		slot, _ := slotOf(t, path, id)
		v = vaulttest.Open(t, path)
		if err := steps(v, id); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		gone(t, v, id)
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		if err := vaulttest.Check(path); err != nil {
			t.Errorf("%s, before it is ended: %v", name, err)
		}
		v = vaulttest.Open(t, path)
		gone(t, v, id)
		if !bytes.Equal(slotBytes(t, path, slot), make([]byte, 128)) {
			t.Errorf("%s: the slot still holds a key", name)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		nothingOf(t, path, id)
		if _, err := vaulttest.Open(t, path).Envelope(kept); err != nil {
			t.Errorf("%s: what was not deleted: %v", name, err)
		}
	}
}

// nothingOf fails when a key of any bucket but the log's begins with the id.
func nothingOf(t *testing.T, path string, id vault.ID) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			if k, _ := b.Cursor().Seek(id[:]); bytes.HasPrefix(k, id[:]) && string(name) != "leafof" {
				t.Errorf("bucket %s still has %x", name, k)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Who was reading when the submission was deleted gets an error, whether its
// chunks are there still or not; what was read before is right.
func TestReaderOfWhatIsDeleted(t *testing.T) {
	v := vaulttest.NewVault(t)
	want := random(2 << 20)
	id := submit(t, v, []byte("manifest"), want)
	e, err := v.Entry(id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Payload(e, 1)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 300_000)
	if _, err := io.ReadFull(r, first); err != nil || !bytes.Equal(first, want[:len(first)]) {
		t.Fatalf("before: %v", err)
	}
	if err := vault.Hide(v, byRetention(id)); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(first); n != 0 || !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("after it was hidden: %d bytes, %v", n, err)
	}
	if err := v.Delete(ctx, []vault.Deletion{byRetention(submit(t, v, random(1)))}); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(first); n != 0 || !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("after it was erased: %d bytes, %v", n, err)
	}
}

// The deleted submission's bytes in an older copy of the vault's file open
// nothing: not with the slots file of today.
func TestOldCopyOpensNothing(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	id := submit(t, v, random(10))
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v = vaulttest.Open(t, path)
	if err := v.Delete(ctx, []vault.Deletion{byRetention(id)}); err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(path[:len(path)-3] + ".slots")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "vault.db"), image, 0o600), os.WriteFile(filepath.Join(dir, "vault.slots"), keys, 0o600)); err != nil {
		t.Fatal(err)
	}
	old, err := vault.Open(filepath.Join(dir, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if _, err := old.Entry(id); err != nil {
		t.Fatalf("the old copy has no header: %v", err)
	}
	if envelope, err := old.Envelope(id); err == nil || errors.Is(err, vault.ErrNotFound) {
		t.Errorf("the old copy gives the envelope %q, %v", envelope, err)
	}
}

// More than one step's worth, and the slots come back.
func TestDeleteMany(t *testing.T) {
	v := vaulttest.NewVault(t)
	var deletions []vault.Deletion
	for range 1200 {
		deletions = append(deletions, byRetention(submit(t, v, nil)))
	}
	kept := submit(t, v, random(10))
	start := time.Now()
	if err := v.Delete(ctx, deletions); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d deleted in %v", len(deletions), time.Since(start))
	if count(t, v) != 1 || len(payloadOf(t, v, kept, 0)) != 10 {
		t.Errorf("%d submissions are left", count(t, v))
	}
	if used := vault.UsedSlots(v); used != 1 {
		t.Errorf("%d slots are still in use", used)
	}
}
