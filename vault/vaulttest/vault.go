package vaulttest

import (
	"path/filepath"
	"testing"

	"sourdine/vault"
)

// NewVault creates and opens a vault in the test's folder. When the test ends
// it is closed and [Check] must find nothing wrong.
func NewVault(t testing.TB) *vault.Vault {
	t.Helper()
	v, _ := NewVaultAt(t)
	return v
}

// NewVaultAt is [NewVault] for tests that also need the file's path.
func NewVaultAt(t testing.TB) (*vault.Vault, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatalf("failed to create vault: %v", err)
	}
	return Open(t, path), path
}

// Open opens the vault at path, and closes and checks it when the test ends.
func Open(t testing.TB, path string) *vault.Vault {
	t.Helper()
	v, err := vault.Open(path)
	if err != nil {
		t.Fatalf("failed to open vault: %v", err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Errorf("failed to close vault: %v", err)
		}
		if err := Check(path); err != nil {
			t.Errorf("the vault is damaged: %v", err)
		}
	})
	return v
}
