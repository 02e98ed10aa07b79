package admin_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"sourdine/vault/admin"
)

// asNobody runs f without the right to pass over permissions. A thread of root
// keeps that from it by another user id for files; it ends with f.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		var err error
		if os.Geteuid() == 0 {
			runtime.LockOSThread() // and never unlock
			err = syscall.Setfsuid(65534)
		}
		f()
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// Another user's home is not "no home".
func TestHomeOfAnotherUser(t *testing.T) {
	dir := filepath.Dir(newHome(t).Vault())
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	var openErr, createErr error
	asNobody(t, func() {
		_, openErr = admin.OpenHome(dir)
		_, createErr = admin.Create(dir, onionKeys)
	})
	for _, err := range []error{openErr, createErr} {
		if !errors.Is(err, fs.ErrPermission) || errors.Is(err, admin.ErrNoHome) || errors.Is(err, admin.ErrHomeExists) {
			t.Errorf("%v", err)
		}
	}
}

// Who owns the empty folder only can make a home in it, as on a machine where
// root prepared the place.
func TestCreateInOnesOwnFolderOnly(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "home")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(parent, 0o555), os.Chmod(filepath.Dir(parent), 0o755)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(parent, 0o700)
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 65534, -1); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	asNobody(t, func() { _, err = admin.Create(dir, onionKeys) })
	if err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir); len(got) != 9 || got["."] != fs.ModeDir|0o700 {
		t.Errorf("there is %v", got)
	}
}
