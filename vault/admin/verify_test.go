package admin_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
)

func verified(t *testing.T, dir string) admin.Verified {
	t.Helper()
	found, err := admin.Verify(t.Context(), dir, vault.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Every byte of every key is checked from the home's first day on.
func TestVerifyKeys(t *testing.T) {
	h := newHome(t)
	dir := filepath.Dir(h.Vault())
	sound := verified(t, dir)
	if !sound.Sound() || len(sound.Unchecked) > 0 || sound.Files != 3 {
		t.Fatalf("%+v", sound)
	}
	for _, name := range []string{"vault.key", "onion/source.key", "onion/pickup.key"} {
		path := filepath.Join(dir, name)
		key, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damaged := func(what string) {
			t.Helper()
			found := verified(t, dir)
			if len(found.Damage) != 1 || !strings.HasPrefix(found.Damage[0], name+" is "+what) || found.Files != 2 {
				t.Errorf("%s: %+v", name, found)
			}
		}
		for at := range key {
			key[at] ^= 1
			write(t, path, key)
			damaged("not what it was: ")
			key[at] ^= 1
		}
		write(t, path, key[:len(key)-1])
		damaged("not what it was: ")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		damaged("missing: ")
		write(t, path, key)
	}
	if found := verified(t, dir); !found.Sound() {
		t.Errorf("%+v", found)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A key that is changed while nobody looks stays damage, however often the home
// is opened; a new one is noted.
func TestVerifyChangedKey(t *testing.T) {
	h := newHome(t)
	dir := filepath.Dir(h.Vault())
	write(t, h.OnionKey(admin.SourceSite), []byte("another"))
	write(t, h.OnionKey("new"), []byte("a new one"))
	if found := verified(t, dir); len(found.Damage) != 1 || len(found.Unchecked) != 1 || !strings.Contains(found.Unchecked[0], "onion/new.key") {
		t.Errorf("%+v", found)
	}
	for range 2 {
		local, err := admin.Open(h)
		if err != nil {
			t.Fatal(err)
		}
		if err := local.Close(); err != nil {
			t.Fatal(err)
		}
		if found := verified(t, dir); len(found.Damage) != 1 || len(found.Unchecked) != 0 || found.Files != 3 {
			t.Errorf("%+v", found)
		}
	}
}

// What is missing, in use, or nobody's is said.
func TestVerifyHomes(t *testing.T) {
	if _, err := admin.Verify(t.Context(), t.TempDir(), vault.VerifyOptions{}); !errors.Is(err, admin.ErrNoHome) {
		t.Errorf("an empty folder: %v", err)
	}
	h := newHome(t)
	dir := filepath.Dir(h.Vault())
	local, err := admin.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Verify(t.Context(), dir, vault.VerifyOptions{}); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("an open home: %v", err)
	}
	if err := local.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "forks"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "forks", "F.checkpoint"), []byte("not one"))
	write(t, filepath.Join(dir, "vault.v1.db"), nil)
	found := verified(t, dir)
	if len(found.Damage) != 1 || !strings.HasPrefix(found.Damage[0], "forks/F.checkpoint is damaged") ||
		len(found.Unchecked) != 1 || !strings.HasPrefix(found.Unchecked[0], `"vault.v1.db"`) {
		t.Errorf("%+v", found)
	}
	if err := os.Remove(h.Vault()); err != nil {
		t.Fatal(err)
	}
	if found := verified(t, dir); found.Sound() || !strings.Contains(strings.Join(found.Damage, "\n"), "vault.db is missing") {
		t.Errorf("%+v", found)
	}
}

// Every byte of a checkpoint that proves another log is covered by its signature.
func TestVerifyForks(t *testing.T) {
	h := newHome(t)
	dir := filepath.Dir(h.Vault())
	secret, err := os.ReadFile(filepath.Join(dir, "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	signer := string(bytes.TrimSpace(secret))
	public, err := parcel.PublicKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	origin, err := translog.Origin(public)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := translog.Checkpoint{Origin: origin, Size: 3, Root: [32]byte{1}}.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "forks"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "forks", "F.checkpoint")
	write(t, path, signed)
	if found := verified(t, dir); !found.Sound() || found.Files != 4 {
		t.Fatalf("%+v", found)
	}
	for at := range signed {
		for _, mask := range []byte{1, 2, 0x20} {
			signed[at] ^= mask
			write(t, path, signed)
			if found := verified(t, dir); len(found.Damage) != 1 || found.Files != 3 {
				t.Errorf("byte %d, by %#x: %+v", at, mask, found)
			}
			signed[at] ^= mask
		}
	}
}
