package vault_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// rotten makes a vault of three submissions, in the first of which a bit has
// flipped in what the bucket has of it.
func rotten(t *testing.T, bucket string) (v *vault.Vault, damaged vault.ID) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var ids []vault.ID
	for range 3 {
		ids = append(ids, submit(t, v, random(600_000)))
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, path, bucket, func(_, stored []byte) []byte {
		stored[len(stored)/2] ^= 4
		return stored
	})
	if v, err = vault.Open(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	slices.SortFunc(ids, func(a, b vault.ID) int { return bytes.Compare(a[:], b[:]) })
	return v, ids[0]
}

// What cannot be read is remembered once somebody tried, and does not keep others
// from being read.
func TestUnreadable(t *testing.T) {
	for _, bucket := range []string{"submissions", "envelopes", "chunks"} {
		v, damaged := rotten(t, bucket)
		if ids := v.Unreadable(); len(ids) != 0 {
			t.Errorf("%s: before anything was read: %v", bucket, ids)
		}
		read := 0
		for e, err := range v.Entries() {
			if err == nil {
				_, err = v.Envelope(e.ID)
			}
			if err == nil {
				err = readPayload(v, e.ID)
			}
			if wrong := errors.Is(err, vault.ErrDamaged); wrong != (e.ID == damaged) || !wrong && err != nil {
				t.Errorf("%s: submission %s: %v", bucket, e.ID, err)
			}
			read++
		}
		if ids := v.Unreadable(); read != 3 || len(ids) != 1 || ids[0] != damaged || !v.IsUnreadable(damaged) {
			t.Errorf("%s: %d of 3 were listed, and %v are said to be damaged, not %s", bucket, read, ids, damaged)
		}
		if bucket == "submissions" {
			continue
		}
		if err := v.Delete(ctx, []vault.Deletion{byRetention(damaged)}); err != nil {
			t.Errorf("%s: deleting it: %v", bucket, err)
		}
		if ids := v.Unreadable(); len(ids) != 0 {
			t.Errorf("%s: after it was deleted: %v", bucket, ids)
		}
	}
}

// A sector that the disk cannot read does not end the program.
func TestBadSector(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	id := submit(t, v, random(600_000))
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := v.Entry(id)
	if err != nil {
		t.Fatal(err)
	}
	// Pages that a file does not have fault like those that cannot be read. Its
	// two headers stay: without them bbolt does not go on.
	if err := os.Truncate(path, 8192); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Entry(id); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("Entry: %v", err)
	}
	if _, err := v.Stats(); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("Stats: %v", err)
	}
	if r, err := v.Payload(e, 0); err != nil {
		t.Error(err)
	} else if _, err := io.ReadAll(r); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("the payload: %v", err)
	}
	if ids := v.Unreadable(); len(ids) != 1 {
		t.Errorf("%v cannot be read", ids)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if ids := v.Unreadable(); len(ids) != 0 || len(payloadOf(t, v, id, 0)) != 600_000 {
		t.Errorf("the disk is well again, and %v cannot be read", ids)
	}
}
