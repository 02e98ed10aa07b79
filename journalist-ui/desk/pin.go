package desk

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"sourdine/vault/parcel"
)

const maxVaultKey = 256 // bytes; those that sourdine makes have 80

// VaultKey returns the vault's public key that this desk trusts, or "" before
// there is one.
func (d *Desk) VaultKey() (string, error) {
	raw, err := readFile(d.path(vaultKeyName), maxVaultKey)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("failed to read the vault's key: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// Pin makes the desk trust a vault's public key from now on. The key that is
// pinned already may be pinned again; for another one the error is
// [ErrOtherVault]: a desk serves one vault. While an import runs, which may be
// about to pin its own, the error is [ErrBusy].
func (d *Desk) Pin(vaultKey string) error {
	vaultKey = strings.TrimSpace(vaultKey)
	if parcel.CheckVaultKey(vaultKey) != nil {
		return fmt.Errorf("%w: it reads NAME+HASH+BASE64, on one line", ErrVaultKey)
	}
	release, err := d.lockImport()
	if err != nil {
		return err
	}
	defer release()
	return d.pin(vaultKey)
}

// pin writes the key, unless it is there. The import lock must be held.
func (d *Desk) pin(vaultKey string) error {
	pinned, err := d.VaultKey()
	switch {
	case err != nil:
		return err
	case pinned == vaultKey:
		return nil
	case pinned != "":
		return ErrOtherVault
	}
	return writeFile(d.home, vaultKeyName, []byte(vaultKey+"\n"))
}

// trust is asked for the key that a parcel names, before its signature is
// verified: any key at the first parcel, the pinned one ever after.
func (d *Desk) trust(vaultKey string) error {
	pinned, err := d.VaultKey()
	if err == nil && pinned != "" && pinned != vaultKey {
		return ErrOtherVault
	}
	return err
}
