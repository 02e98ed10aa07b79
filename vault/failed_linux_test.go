package vault_test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// After a write of unknown outcome nothing is changed any more, and opening anew
// finds everything that was acknowledged.
func TestFailedWriteStopsTheVault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	submit(t, v, random(1000))
	mend := vaulttest.FailWrites(t, path)
	// The first chunks' error, or that of the commit after them.
	if err := trySubmit(v, random(8<<20)); !errors.Is(err, syscall.EBADF) && !errors.Is(err, vault.ErrFailed) {
		t.Errorf("while the disk fails: %v", err)
	}
	mend()
	if err := trySubmit(v, random(10)); !errors.Is(err, vault.ErrFailed) {
		t.Errorf("afterwards: %v", err)
	}
	select {
	case <-v.Failed():
	default:
		t.Error("nobody is told that the vault has stopped")
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v = vaulttest.Open(t, path)
	if s, err := v.Stats(); err != nil || s.Submissions != 1 || s.Drafts != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	submit(t, v, []byte("goes on"))
}
