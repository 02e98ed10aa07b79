package vault_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// copyOf copies a vault's files to another folder.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	copied := t.TempDir()
	for _, name := range []string{"vault.db", "vault.slots"} {
		content, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
		orFatal(t, err)
		orFatal(t, os.WriteFile(filepath.Join(copied, name), content, 0o600))
	}
	return filepath.Join(copied, "vault.db")
}

func TestVerifyEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if _, err := vault.Verify(ctx, path, vault.VerifyOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	orFatal(t, vault.Create(path))
	for n := range 3 {
		if r := verify(t, path); !r.Sound() || len(r.Unchecked) > 0 || r.Fine != (vault.Fine{}) {
			t.Errorf("%+v", r)
		}
		v, err := vault.Open(path)
		orFatal(t, err)
		if n == 0 { // it waits a second
			if _, err := vault.Verify(ctx, path, vault.VerifyOptions{}); !errors.Is(err, vault.ErrLocked) {
				t.Errorf("an open one: %v", err)
			}
		}
		orFatal(t, v.Close())
	}
	// Without a slot in use the slots file may be missing.
	orFatal(t, os.Remove(slotsOf(path)))
	if r := verify(t, path); !r.Sound() {
		t.Errorf("%+v", r)
	}
}

// A vault as a crash leaves it, in the midst of uploads and deletions, is sound;
// what is free is not checked, and is after it was opened and closed.
func TestVerifyKilled(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	addChannel(t, v, "Nice", vault.Member{Fingerprint: fingerprint("A")})
	kept, hidden, overwritten := submit(t, v, random(400_000)), submit(t, v, random(3000)), submit(t, v, random(70))
	batch(t, v)
	submit(t, v, random(10))
	write(t, v.NewDraft(), 0, random(600_000))
	orFatal(t, vault.Hide(v, byRetention(overwritten)))
	orFatal(t, vault.Overwrite(v))
	orFatal(t, vault.Hide(v, byRetention(hidden)))
	copied := copyOf(t, path)
	r := verify(t, copied)
	if !r.Sound() || r.Fine.Submissions != 2 || len(r.Unchecked) != 1 || !strings.Contains(r.Unchecked[0], "pages of vault.db that hold nothing") {
		t.Errorf("%+v", r)
	}
	again := vaulttest.Open(t, copied)
	payloadOf(t, again, kept, 0)
	orFatal(t, again.Close())
	if r := verify(t, copied); !r.Sound() || r.Fine.Submissions != 2 || len(r.Unchecked) > 0 {
		t.Errorf("closed: %+v", r)
	}
}

// A closed vault has nothing of what was deleted, is no longer than it must be,
// and closing it again without a change does not touch it.
func TestCloseEmptiesFreePages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	orFatal(t, vault.Create(path))
	v, err := vault.Open(path)
	orFatal(t, err)
	marker := random(300_000)
	id := submit(t, v, marker)
	kept := submit(t, v, random(500_000))
	orFatal(t, v.Delete(ctx, []vault.Deletion{byRetention(id)}))
	orFatal(t, v.Close())
	image, err := os.ReadFile(path)
	orFatal(t, err)
	if bytes.Contains(image, marker[:64]) || bytes.Contains(image, marker[len(marker)-64:]) {
		t.Error("the file still has what was deleted")
	}
	if len(image) > 2<<20 {
		t.Errorf("%d bytes", len(image))
	}
	v, err = vault.Open(path)
	orFatal(t, err)
	payloadOf(t, v, kept, 0)
	orFatal(t, v.Close())
	after, err := os.ReadFile(path)
	orFatal(t, err)
	if !bytes.Equal(after, image) {
		t.Error("it was changed by opening and closing")
	}
	// One change at a time, in all orders of headers and lists.
	for range 5 {
		v, err = vault.Open(path)
		orFatal(t, err)
		submit(t, v, random(10_000))
		orFatal(t, v.Close())
		if r := verify(t, path); !r.Sound() || len(r.Unchecked) > 0 {
			t.Errorf("%+v", r)
		}
		orFatal(t, vaulttest.Check(path))
	}
}

// Cut short at any page, or missing, it is found.
func TestVerifyCut(t *testing.T) {
	path, ids := verifiable(t)
	for _, file := range []string{path, slotsOf(path)} {
		whole, err := os.ReadFile(file)
		orFatal(t, err)
		for size := 0; size < len(whole); size += max(len(whole)/37, 1) {
			orFatal(t, os.WriteFile(file, whole[:size], 0o600))
			r := verify(t, path)
			if r.Sound() && (file == path || size > 8192+64) && !onlyZeros(whole[size:]) {
				t.Errorf("%s of %d bytes: %+v", filepath.Base(file), size, r)
			}
			if file == path && size > 8192 {
				mustOpen(t, "cut", path, ids, r)
			}
		}
		orFatal(t, os.WriteFile(file, whole, 0o600))
	}
	orFatal(t, os.Remove(slotsOf(path)))
	r := verify(t, path)
	if len(r.Damage) != 1 || !strings.Contains(r.Damage[0], "vault.slots is missing") || len(r.Submissions) != len(ids) || r.Fine.Submissions > 0 {
		t.Errorf("%+v", r)
	}
}

func onlyZeros(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// --repair mends what has a second copy, and only that.
func TestVerifyRepair(t *testing.T) {
	path, _ := verifiable(t)
	flipped(t, slotsOf(path), 8192+5, 1, func() {
		r, err := vault.Verify(ctx, path, vault.VerifyOptions{Repair: true})
		orFatal(t, err)
		if !r.Sound() || len(r.Mended) != 1 {
			t.Errorf("%+v", r)
		}
		if r := verify(t, path); !r.Sound() || len(r.Mended) > 0 {
			t.Errorf("afterwards: %+v", r)
		}
	})
}

// A vault whose list of free pages is damaged is not opened: what is in use could
// be overwritten. Repaired, it is sound.
func TestDamagedFreeList(t *testing.T) {
	path, ids := verifiable(t)
	image, err := os.ReadFile(path)
	orFatal(t, err)
	var lists []int
	for at := 0; at < len(image); at += 4096 {
		if bytes.Equal(image[at+8:at+10], []byte{0x10, 0}) && binary.NativeEndian.Uint64(image[at:]) == uint64(at/4096) {
			lists = append(lists, at)
		}
	}
	if len(lists) != 2 {
		t.Fatalf("%d lists", len(lists))
	}
	for _, list := range lists {
		for _, at := range []int{0, 8, 10, 12, 16, 40, 80, 81} {
			damaged := copyOf(t, path)
			image[list+at] ^= 3
			orFatal(t, os.WriteFile(damaged, image, 0o600))
			image[list+at] ^= 3
			if v, err := vault.Open(damaged); !errors.Is(err, vault.ErrDamaged) {
				t.Errorf("byte %d was opened: %v", at, err)
				orFatal(t, v.Close())
			}
			if r := verify(t, damaged); len(r.Damage) != 1 || len(r.Submissions) > 0 || !strings.Contains(r.Damage[0], "list of free pages") {
				t.Errorf("byte %d: %+v", at, r)
			}
			r, err := vault.Verify(ctx, damaged, vault.VerifyOptions{Repair: true})
			if err != nil || !r.Sound() || len(r.Mended) != 1 {
				t.Errorf("repairing byte %d: %+v, %v", at, r, err)
			}
			orFatal(t, vaulttest.Open(t, damaged).Close())
			if r := verify(t, damaged); !r.Sound() || r.Fine.Submissions != len(ids) || len(r.Unchecked) > 0 {
				t.Errorf("byte %d, repaired: %+v", at, r)
			}
		}
	}
}
