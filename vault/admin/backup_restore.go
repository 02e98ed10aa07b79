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

// A Restoration is what [Restore] brought back, and what it wrote into the log.
type Restoration struct {
	Home     Home
	Manifest backup.Manifest
	// Leaf says that the vault goes on from a backup. Reviewers whose desks saw
	// what the backup lacks ask the admin for its words ([RestoredWords]).
	Leaf translog.Restored
}

// Restore makes a home in dir, which must not exist or be empty, from a backup
// that was opened (the tar). As with [Create], [OpenHome] finds it whole or not
// at all, and what an interrupted Restore left in dir is removed by the next.
// When it returns nil every file has been compared with the manifest, the vault
// has been opened, and its log says that it was restored.
func Restore(ctx context.Context, dir string, r io.Reader) (Restoration, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Restoration{}, restoring(err)
	}
	made, err := makeEmpty(dir)
	if err != nil {
		return Restoration{}, err
	}
	done := Restoration{Home: Home{dir}}
	if err := createInside(dir, func(h Home) error { return done.into(ctx, h, r) }); err != nil {
		if made {
			_ = os.Remove(dir) // if it is empty, as it was
		}
		return Restoration{}, err
	}
	return done, syncDir(filepath.Dir(dir))
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

// into restores in the folder where the home is built.
func (done *Restoration) into(ctx context.Context, h Home, r io.Reader) (err error) {
	if err := makeFolders(h); err != nil {
		return err
	}
	if done.Manifest, err = backup.Extract(ctx, r, h.dir); err != nil {
		return err
	}
	local, err := Open(h)
	if err == nil {
		err = errors.Join(done.goOn(ctx, local), local.Close())
	}
	if err != nil {
		return fmt.Errorf("the backup cannot be restored: %w", err)
	}
	return syncDir(h.dir)
}

// goOn compares the vault's key and log with the manifest, and says in the log
// that it goes on from there. A home without that leaf is never seen: desks would
// take it for a forgery, for good.
func (done *Restoration) goOn(ctx context.Context, local *Local) (err error) {
	if err := local.isAsIn(done.Manifest); err != nil {
		return err
	}
	done.Leaf, err = local.vault.NoteRestored(ctx)
	return err
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
