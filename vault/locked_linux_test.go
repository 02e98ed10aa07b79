package vault_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// flock locks a file as another program would.
func flock(t *testing.T, path string) (release func()) {
	t.Helper()
	f, err := os.Open(path)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return func() { f.Close() }
}

// Who finds either file in use waits for a moment, and then says who holds it.
func TestLocked(t *testing.T) {
	for _, name := range []string{"vault.db", "vault.slots"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "vault.db")
			if err := vault.Create(path); err != nil {
				t.Fatal(err)
			}
			held := filepath.Join(filepath.Dir(path), name)
			time.AfterFunc(300*time.Millisecond, flock(t, held))
			v, err := vault.Open(path)
			if err != nil {
				t.Fatalf("let go soon: %v", err)
			}
			if err := v.Close(); err != nil {
				t.Fatal(err)
			}
			release := flock(t, held)
			whoIs := fmt.Sprintf("process %d, ", os.Getpid())
			if _, err := vault.Open(path); !errors.Is(err, vault.ErrLocked) || !strings.Contains(err.Error(), whoIs) {
				t.Errorf("held: %v", err)
			}
			if _, err := vault.Verify(ctx, path, vault.VerifyOptions{}); !errors.Is(err, vault.ErrLocked) || !strings.Contains(err.Error(), whoIs) {
				t.Errorf("held, to be verified: %v", err)
			}
			release()
			if err := vaulttest.Check(path); err != nil {
				t.Error(err)
			}
		})
	}
}

// A vault that is being closed can be opened at once by the next: who waits for the
// one file finds the other free, too.
func TestOpenWhileClosing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		v, err := vault.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := trySubmit(v, random(10)); err != nil {
			t.Fatal(err)
		}
		closed := make(chan error)
		go func() { closed <- v.Close() }()
		next, err := vault.Open(path)
		if err != nil {
			t.Fatalf("while it was closed: %v", err)
		}
		if err := errors.Join(<-closed, next.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
