package admin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"sourdine/vault/backup"
	"sourdine/vault/translog"
)

// errOtherContents is about a backup whose files are those of its manifest, and
// do not belong together.
var errOtherContents = fmt.Errorf("%w: what is in it is not what its manifest says", backup.ErrDamaged)

// Restore makes a home in dir, which must not exist or be empty, from a backup
// that was opened (the tar). As with [Create], [OpenHome] finds it whole or not
// at all, and what an interrupted Restore left in dir is removed by the next.
// Every file has been compared with the manifest, and the vault has been opened,
// when it returns nil.
func Restore(ctx context.Context, dir string, r io.Reader) (Home, backup.Manifest, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, backup.Manifest{}, restoring(err)
	}
	made, err := makeEmpty(dir)
	if err != nil {
		return Home{}, backup.Manifest{}, err
	}
	var m backup.Manifest
	err = createInside(dir, func(h Home) (err error) {
		m, err = restoreInto(ctx, h, r)
		return err
	})
	if err != nil {
		if made {
			_ = os.Remove(dir) // if it is empty, as it was
		}
		return Home{}, backup.Manifest{}, err
	}
	return Home{dir}, m, syncDir(filepath.Dir(dir))
}

func restoring(err error) error { return fmt.Errorf("failed to restore: %w", err) }

// makeEmpty makes the folder if there is none. The home is built inside, not
// beside it: what a crash leaves there holds keys, and must not be forgotten.
func makeEmpty(dir string) (made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(dir), dirMode); err != nil {
		return false, restoring(err)
	}
	switch err := os.Mkdir(dir, dirMode); {
	case err == nil:
		return true, nil
	case !errors.Is(err, fs.ErrExist):
		return false, restoring(err)
	}
	switch _, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrPermission):
		return false, restoring(err)
	case err != nil: // not a folder
		return false, ErrHomeExists
	}
	return false, nil
}

func restoreInto(ctx context.Context, h Home, r io.Reader) (backup.Manifest, error) {
	if err := makeFolders(h); err != nil {
		return backup.Manifest{}, err
	}
	m, err := backup.Extract(ctx, r, h.dir)
	if err != nil {
		return m, err
	}
	if err := h.checkRestored(m); err != nil {
		return m, fmt.Errorf("the backup cannot be restored: %w", err)
	}
	return m, syncDir(h.dir)
}

// checkRestored opens the vault, and compares its key and log with the manifest.
func (h Home) checkRestored(m backup.Manifest) error {
	local, err := Open(h)
	if err != nil {
		return err
	}
	return errors.Join(local.isAsIn(m), local.Close())
}

func (l *Local) isAsIn(m backup.Manifest) error {
	size, err := l.vault.LogSize()
	if err != nil {
		return err
	}
	root, err := translog.Root(size, l.vault)
	if err != nil {
		return err
	}
	if l.publicKey != m.VaultKey || size != m.LogSize || hex.EncodeToString(root[:]) != m.LogRoot {
		return errOtherContents
	}
	return nil
}
