package vault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrGone is returned for every change while a file of the vault is not at its
// place: the home was moved away, or deleted while it was served. Nothing was
// changed. Put back, the same files take changes again.
var ErrGone = errors.New("the vault's files are not at their place any more")

// Overwrites tells whether what is written into the slots file replaces what was
// there on the disk, as far as the kind of file system tells: where it does not, a
// deleted submission's key may stay behind. See [slots.File.InPlace].
func (v *Vault) Overwrites() (bool, error) { return v.slots.InPlace() }

// InPlace returns nil as long as the files that the vault writes to are those
// that whoever opens it next will find, and else an error that wraps [ErrGone].
func (v *Vault) InPlace() error {
	v.exchange.RLock()
	opened := v.file
	v.exchange.RUnlock()
	there, err := os.Stat(v.path)
	if err != nil || !os.SameFile(opened, there) {
		return fmt.Errorf("%w: %s", ErrGone, filepath.Base(v.path))
	}
	if path := slotsPath(v.path); !v.slots.IsAt(path) {
		return fmt.Errorf("%w: %s", ErrGone, filepath.Base(path))
	}
	return nil
}
