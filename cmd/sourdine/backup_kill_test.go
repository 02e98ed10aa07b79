//go:build long

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sourdine/onion"
	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/vaulttest"
)

// backupKills is how often each test here kills.
const backupKills = 10

// homeOf makes a home with submissions of so many bytes in all.
func homeOf(t testing.TB, size int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	keys := map[string][]byte{}
	for _, site := range []string{admin.SourceSite, admin.PickupSite} {
		key, err := onion.NewServiceKey()
		if err != nil {
			t.Fatal(err)
		}
		keys[site] = key.Marshal()
	}
	h, err := admin.Create(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(h.Vault())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, n := range []int{1000, size} {
		d := v.NewDraft()
		w, err := d.Item(t.Context(), 0)
		if err == nil {
			_, err = io.CopyN(w, rand.Reader, int64(n))
		}
		if err == nil {
			err = w.Close()
		}
		if err == nil {
			_, err = d.Commit(t.Context(), vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: 1, Envelope: []byte("envelope")})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// certificateOf writes an admin's certificate to a file.
func certificateOf(t testing.TB, k vaulttest.Key) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "admin.pgp")
	if err := os.WriteFile(path, k.Certificate(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sourdine runs the program to its end, and tells how long it took.
func sourdine(t testing.TB, args ...string) time.Duration {
	t.Helper()
	began := time.Now()
	if out, err := exec.Command("sourdine", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return time.Since(began)
}

// killedSometime runs the program and kills it (SIGKILL) at some time, unless it
// is faster.
func killedSometime(t testing.TB, usually time.Duration, args ...string) (survived bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), mathrand.N(usually*5/4))
	defer cancel()
	return exec.CommandContext(ctx, "sourdine", args...).Run() == nil
}

func open(t testing.TB, k vaulttest.Key, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tar, err := k.Open(nil, f)
	if err != nil {
		t.Fatalf("what stands under the backup's name does not open: %v", err)
	}
	return tar
}

// A backup that is killed leaves the older one or none under its name, and the
// home as it was.
func TestKilledBackup(t *testing.T) {
	home, k := homeOf(t, 3<<20), vaulttest.NewKey(t, vaulttest.X25519)
	to, file := certificateOf(t, k), filepath.Join(t.TempDir(), "backup.pgp")
	args := []string{"backup", "--home", home, "--to", to, "-o", file}
	usually := sourdine(t, args...)
	finished := 0
	for n := range backupKills {
		if n%2 == 0 {
			if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		before, _ := os.Stat(file)
		survived := killedSometime(t, usually, args...)
		if survived {
			finished++
		}
		switch _, err := os.Stat(file); {
		case err == nil:
			open(t, k, file)
		case before != nil || survived:
			t.Errorf("there is no backup: %v", err)
		}
	}
	if finished == backupKills {
		t.Errorf("none of %d was killed", backupKills)
	}
	if err := vaulttest.Check(filepath.Join(home, "vault.db")); err != nil {
		t.Errorf("the home: %v", err)
	}
	sourdine(t, args...)
	open(t, k, file)
}

// A restore that is killed leaves no home or a whole one, and the next cleans up.
func TestKilledRestore(t *testing.T) {
	from, k := homeOf(t, 3<<20), vaulttest.NewKey(t, vaulttest.X25519)
	file := filepath.Join(t.TempDir(), "backup.pgp")
	sourdine(t, "backup", "--home", from, "--to", certificateOf(t, k), "-o", file)
	tar := filepath.Join(t.TempDir(), "backup.tar")
	if err := os.WriteFile(tar, open(t, k, file), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, prepare := range map[string]func(dir string) error{
		"where there is nothing": func(string) error { return nil },
		"in a folder":            func(dir string) error { return os.Mkdir(dir, 0o700) },
	} {
		dir := filepath.Join(t.TempDir(), "home")
		if err := prepare(dir); err != nil {
			t.Fatal(err)
		}
		args := []string{"restore", "--home", dir, tar}
		usually := sourdine(t, args...)
		for range backupKills {
			if whole(t, name, from, dir) {
				if err := errors.Join(os.RemoveAll(dir), prepare(dir)); err != nil {
					t.Fatal(err)
				}
			}
			killedSometime(t, usually, args...)
		}
		if !whole(t, name, from, dir) {
			sourdine(t, args...)
		}
		if !whole(t, name, from, dir) {
			t.Errorf("%s: no home in the end", name)
		}
		entries, err := os.ReadDir(filepath.Dir(dir))
		if err != nil || len(entries) != 1 {
			t.Errorf("%s: beside it lies %v, %v", name, entries, err)
		}
	}
}

// whole tells whether there is a home; then it must be the one that was saved.
func whole(t *testing.T, name, from, dir string) bool {
	t.Helper()
	h, err := admin.OpenHome(dir)
	if errors.Is(err, admin.ErrNoHome) {
		return false
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := vaulttest.Check(h.Vault()); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for _, file := range []string{"vault.key", "onion/source.key", "onion/pickup.key"} {
		want, err1 := os.ReadFile(filepath.Join(from, file))
		got, err2 := os.ReadFile(filepath.Join(dir, file))
		if !bytes.Equal(got, want) || err1 != nil || err2 != nil {
			t.Errorf("%s: %s differs: %v, %v", name, file, err1, err2)
		}
	}
	v, err := vault.Open(h.Vault())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	stats, err := v.Stats()
	_, said, err2 := v.LastRestored()
	if err := errors.Join(err, err2, v.Close()); err != nil || stats.Submissions != 2 || !said {
		t.Errorf("%s: %d submissions, its log says that it was restored: %v, %v", name, stats.Submissions, said, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".sourdine-home-*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%s: a whole home has %v as well", name, left)
	}
	return true
}
