package desk

import (
	"errors"
	"fmt"
)

// Errors that callers branch on.
var (
	// ErrNoHome: there is no finished home in the folder.
	ErrNoHome = errors.New("there is no desk's home here")
	// ErrExists: the folder holds something already.
	ErrExists = errors.New("the folder is taken")
	// ErrPassphrase: the passphrase does not unlock the reviewer's key.
	ErrPassphrase = errors.New("the passphrase is wrong")
	// ErrWeakPassphrase: the passphrase may not lock a key.
	ErrWeakPassphrase = errors.New("the passphrase cannot be used")
	// ErrBusy: another program is importing into this home.
	ErrBusy = errors.New("another import into this home is running")
	// ErrOtherVault: a parcel names another vault than the pinned one.
	ErrOtherVault = errors.New("it comes from another vault than the one this desk trusts")
	// ErrVaultKey: what was given is no vault's public key.
	ErrVaultKey = errors.New("the vault's key is damaged")
	// ErrNotFound: no such submission or item at this desk.
	ErrNotFound = errors.New("not found at this desk")
	// ErrDiffers: an item is not what its manifest says.
	ErrDiffers = errors.New("it differs from what its manifest says")
)

// A ParcelError says that a parcel was refused, or from which submission on.
// What came before it was imported.
type ParcelError struct {
	Submission string // empty when it was refused as a whole, or for what follows the last one
	Err        error
}

func (e *ParcelError) Error() string {
	if e.Submission == "" {
		return fmt.Sprintf("the parcel was refused: %v", e.Err)
	}
	return fmt.Sprintf("the parcel was refused from submission %s on: %v", e.Submission, e.Err)
}

// Unwrap returns what package parcel, or the pinning, said.
func (e *ParcelError) Unwrap() error { return e.Err }
