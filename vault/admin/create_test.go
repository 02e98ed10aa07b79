package admin_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"sourdine/vault/admin"
	"sourdine/vault/vaulttest"
)

// A mount point cannot be replaced; the folder stays the same one.
func TestCreateFillsTheFolderThatIsThere(t *testing.T) {
	dir := t.TempDir()
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Create(dir, onionKeys); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(dir)
	if err != nil || !os.SameFile(before, after) || after.Mode().Perm() != 0o700 {
		t.Errorf("the folder was exchanged, or has mode %v: %v", after.Mode(), err)
	}
	if got := tree(t, dir); len(got) != 9 {
		t.Errorf("there is %v", got)
	}
}

// Wherever a power cut stops the moving, OpenHome finds no home, and the next
// init cleans up and makes one.
func TestInterruptedCreate(t *testing.T) {
	parts := []string{"onion", "tor", "run", "vault.key", "vault.slots"}
	for moved := range len(parts) + 1 {
		dir := filepath.Dir(newHome(t).Vault())
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
		h, err := admin.Create(dir, onionKeys)
		if err != nil {
			t.Errorf("%d parts moved: %v", moved, err)
			continue
		}
		if got := tree(t, dir); len(got) != 9 || vaulttest.Check(h.Vault()) != nil {
			t.Errorf("%d parts moved: %v", moved, got)
		}
	}
	// Stopped when everything was moved: it is whole, and who opens it tidies up.
	h := newHome(t)
	building := filepath.Join(filepath.Dir(h.Vault()), ".sourdine-home-123")
	if err := os.Mkdir(building, 0o700); err != nil {
		t.Fatal(err)
	}
	local, err := admin.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := local.Close(); err != nil || len(tree(t, filepath.Dir(h.Vault()))) != 9 {
		t.Errorf("%v, %v", err, tree(t, filepath.Dir(h.Vault())))
	}
	// Stopped while it was still being built.
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".sourdine-home-1", "onion"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Create(dir, onionKeys); err != nil || len(tree(t, dir)) != 9 {
		t.Errorf("%v, %v", err, tree(t, dir))
	}
}

// What only looks like a left-over is someone's.
func TestPartsOfAHomeAreNotLeftOvers(t *testing.T) {
	for name, remove := range map[string][]string{
		"a home that lost its vault":        {"vault.db"},
		"a home that lost its key":          {"vault.key"},
		"folders only":                      {"vault.db", "vault.key"},
		"a whole home with an empty folder": {},
	} {
		dir := filepath.Dir(newHome(t).Vault())
		if err := os.Mkdir(filepath.Join(dir, ".sourdine-home-1"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, file := range remove {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
		before := tree(t, dir)
		if _, err := admin.Create(dir, onionKeys); !errors.Is(err, admin.ErrHomeExists) || len(tree(t, dir)) != len(before) {
			t.Errorf("%s: %v, then there is %v", name, err, tree(t, dir))
		}
	}
}

func TestCreatedAtOnceInAnEmptyFolder(t *testing.T) {
	for range 5 {
		dir := t.TempDir()
		results := make([]error, 4)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { _, results[i] = admin.Create(dir, onionKeys) })
		}
		wg.Wait()
		failed := slices.DeleteFunc(results, func(err error) bool { return err == nil })
		if len(failed) != 3 || slices.ContainsFunc(failed, func(err error) bool { return !errors.Is(err, admin.ErrHomeExists) }) {
			t.Errorf("of four, these failed: %v", failed)
		}
		if got := tree(t, dir); len(got) != 9 {
			t.Errorf("there is %v", got)
		}
	}
}
