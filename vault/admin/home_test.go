package admin_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sourdine/vault/admin"
	"sourdine/vault/vaulttest"
)

var onionKeys = map[string][]byte{admin.SourceSite: []byte("source's key"), admin.PickupSite: []byte("pickup's key")}

// tree lists everything under dir with its mode.
func tree(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	all := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		all[relative] = info.Mode()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A home is whole, and its owner's only, however permissive the shell is.
func TestCreate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	for name, prepare := range map[string]func(dir string) error{
		"no folder":         func(string) error { return nil },
		"an empty folder":   func(dir string) error { return os.Mkdir(dir, 0o777) },
		"a relative parent": func(dir string) error { return nil },
	} {
		parent := t.TempDir()
		dir := filepath.Join(parent, "home")
		if err := prepare(dir); err != nil {
			t.Fatal(err)
		}
		given := dir
		if name == "a relative parent" {
			t.Chdir(parent)
			given = "./home/../home"
		}
		h, err := admin.Create(given, onionKeys)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := map[string]fs.FileMode{
			".": fs.ModeDir | 0o700, "onion": fs.ModeDir | 0o700, "tor": fs.ModeDir | 0o700, "run": fs.ModeDir | 0o700,
			"vault.db": 0o600, "vault.slots": 0o600, "vault.key": 0o600, "onion/source.key": 0o600, "onion/pickup.key": 0o600,
		}
		got := tree(t, dir)
		for path, mode := range want {
			if got[path] != mode {
				t.Errorf("%s: %s has mode %v, want %v", name, path, got[path], mode)
			}
		}
		if len(got) != len(want) || len(tree(t, parent)) != len(want)+1 {
			t.Errorf("%s: %v", name, got)
		}
		if key, err := h.ReadOnionKey(admin.PickupSite); err != nil || string(key) != "pickup's key" {
			t.Errorf("%s: %q, %v", name, key, err)
		}
		if err := vaulttest.Check(h.Vault()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where Create refuses or fails, nothing is changed and nothing is left.
func TestCreateIsWholeOrNothing(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(parent string) error
		dir     string
		keys    map[string][]byte
		want    error
	}{
		"a file": {func(p string) error { return os.WriteFile(p+"/home", []byte("mine"), 0o644) }, "home", onionKeys, admin.ErrHomeExists},
		"a folder that holds something": {func(p string) error {
			return errors.Join(os.Mkdir(p+"/home", 0o755), os.WriteFile(p+"/home/.hidden", nil, 0o644))
		}, "home", onionKeys, admin.ErrHomeExists},
		"a home":                    {func(p string) error { _, err := admin.Create(p+"/home", onionKeys); return err }, "home", onionKeys, admin.ErrHomeExists},
		"below a file":              {func(p string) error { return os.WriteFile(p+"/file", nil, 0o644) }, "file/home", onionKeys, nil},
		"a link that leads nowhere": {func(p string) error { return os.Symlink(p+"/nowhere", p+"/home") }, "home", onionKeys, nil},
		"a failure on the way":      {func(p string) error { return os.Mkdir(p+"/home", 0o755) }, "home", map[string][]byte{"no/such/folder": nil}, nil},
	} {
		parent := t.TempDir()
		if err := c.prepare(parent); err != nil {
			t.Fatal(err)
		}
		before := tree(t, parent)
		_, err := admin.Create(filepath.Join(parent, c.dir), c.keys)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		after := tree(t, parent)
		if len(before) != len(after) {
			t.Errorf("%s: left %v", name, after)
		}
		for path, mode := range before {
			if after[path] != mode {
				t.Errorf("%s: changed %s", name, path)
			}
		}
	}
}

// A place where nobody may write, not even root.
func TestCreateInAnUnwritablePlace(t *testing.T) {
	for _, dir := range []string{"/sys/home", "/proc/self/home"} {
		if _, err := os.Stat(filepath.Dir(dir)); err != nil {
			t.Fatalf("this test needs %s: %v", filepath.Dir(dir), err)
		}
		if _, err := admin.Create(dir, onionKeys); err == nil || errors.Is(err, admin.ErrHomeExists) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestCreatedAtOnceByTwo(t *testing.T) {
	for range 5 {
		parent := t.TempDir()
		results := make([]error, 4)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { _, results[i] = admin.Create(filepath.Join(parent, "home"), onionKeys) })
		}
		wg.Wait()
		failed := slices.DeleteFunc(results, func(err error) bool { return err == nil })
		if len(failed) != 3 || slices.ContainsFunc(failed, func(err error) bool { return !errors.Is(err, admin.ErrHomeExists) }) {
			t.Errorf("of four, these failed: %v", failed)
		}
		if got := tree(t, parent); len(got) != 10 {
			t.Errorf("there is %v", got)
		}
	}
}

func TestOpenHome(t *testing.T) {
	h := newHome(t)
	dir := filepath.Dir(h.Vault())
	// A backup that knows no empty folders.
	for _, sub := range []string{"tor", "run"} {
		if err := os.Remove(filepath.Join(dir, sub)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := admin.OpenHome(dir); err != nil {
		t.Errorf("without its empty folders: %v", err)
	}
	if mode := tree(t, dir)["run"]; mode != fs.ModeDir|0o700 {
		t.Errorf("the run folder has mode %v", mode)
	}
	for _, missing := range []string{"vault.db", "vault.key"} {
		whole := newHome(t)
		dir := filepath.Dir(whole.Vault())
		if err := os.Remove(filepath.Join(dir, missing)); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.OpenHome(dir); !errors.Is(err, admin.ErrNoHome) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	empty := t.TempDir()
	for _, dir := range []string{empty, filepath.Join(empty, "none"), filepath.Join(dir, "vault.db")} {
		if _, err := admin.OpenHome(dir); !errors.Is(err, admin.ErrNoHome) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if got := tree(t, empty); len(got) != 1 {
		t.Errorf("looking for a home left %v", got)
	}
}

func TestDamagedKeys(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "text": "bonjour", "cut": "PRIVATE+KEY+sourdine/vault/0", "huge": strings.Repeat("A", 1<<20)} {
		h := newHome(t)
		path := filepath.Join(filepath.Dir(h.Vault()), "vault.key")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := admin.Open(h)
		if err == nil {
			a.Close()
			t.Errorf("%s: opened", name)
		} else if content != "" && strings.Contains(err.Error(), content) {
			t.Errorf("%s: the error quotes the key", name)
		}
	}
}

func newHome(t testing.TB) admin.Home {
	t.Helper()
	h, err := admin.Create(filepath.Join(t.TempDir(), "home"), onionKeys)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
