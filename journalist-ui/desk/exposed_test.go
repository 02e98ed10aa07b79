package desk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
)

func TestExposed(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home") // as Create makes it, not a copy
	if err := desk.Create(t.Context(), home, "Alice", []byte(desktest.Passphrase)); err != nil {
		t.Fatal(err)
	}
	want := func(want ...string) {
		t.Helper()
		if got, err := desk.Exposed(home); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	chmod := func(name string, mode fs.FileMode) {
		t.Helper()
		if err := os.Chmod(filepath.Join(home, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	want()
	chmod("key.asc", 0o644)
	want("key.asc")
	chmod(".", 0o755)
	want(".", "key.asc")
	chmod("key.asc", 0o600)
	chmod(".", 0o750)
	want(".")
	if _, err := desk.Exposed(filepath.Join(home, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no home: %v", err)
	}
}
