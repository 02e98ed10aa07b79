package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/slots"
)

const (
	// upgradeSuffix ends the names of the files that an upgrade writes.
	upgradeSuffix = ".upgrade"
	// backupSuffix is what the old vault is called afterwards, in the place of .db.
	backupSuffix = ".v1.db"
)

// An upgrade turns a vault of version 1 into one of this version.
type upgrade struct {
	old  *bolt.DB // locked
	path string   // of the vault
}

// run builds the new vault beside the old one, compares them, and exchanges
// them: FORMAT.md, section 6. A crash at any instant leaves the old or the new
// one under the vault's name. It returns the new one, open, and what the admin
// should know.
func (u upgrade) run() (db *bolt.DB, told string, err error) {
	if err := u.prepare(); err != nil {
		return nil, "", fmt.Errorf("failed to upgrade the vault from format version 1: %w", err)
	}
	db, err = u.build()
	if err == nil {
		err = u.exchange()
	}
	if err != nil {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
		err = errors.Join(err, removeLeftOvers(u.path))
		return nil, "", fmt.Errorf("failed to upgrade the vault from format version 1: %w", err)
	}
	told = fmt.Sprintf("the vault was upgraded from format version 1 to %d; the old one is kept as %s: "+
		"its envelopes are not wrapped, so it still opens what is deleted from now on; "+
		"remove it once you trust the new one", FormatVersion, filepath.Base(u.backup()))
	return db, told, nil
}

func (u upgrade) backup() string { return backupPath(u.path) }

func backupPath(path string) string { return strings.TrimSuffix(path, ".db") + backupSuffix }

// KeptVersion1 is the name of the vault that an upgrade kept, whoever made it and
// whenever, as long as it is there; "" when there is none.
func (v *Vault) KeptVersion1() string {
	kept := backupPath(v.path)
	if _, err := os.Lstat(kept); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return filepath.Base(kept)
}

// prepare removes what an interrupted upgrade left. A vault of version 1 has no
// slots file: one beside it is such a left-over if the backup is the vault itself
// under a second name, and else holds the keys of another vault.
func (u upgrade) prepare() error {
	if err := removeLeftOvers(u.path); err != nil {
		return err
	}
	vault, err := os.Stat(u.path)
	if err != nil {
		return err
	}
	backup, err := os.Stat(u.backup())
	interrupted := err == nil && os.SameFile(vault, backup)
	for _, path := range []string{slotsPath(u.path), u.backup()} {
		_, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !interrupted:
			return fmt.Errorf("%s is there already and belongs to another vault: move it to another folder", filepath.Base(path))
		default:
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// build makes the new files and checks them.
func (u upgrade) build() (*bolt.DB, error) {
	db, err := newFile(u.path + upgradeSuffix)
	if err != nil {
		return nil, err
	}
	file, err := u.newSlots(db)
	if err != nil {
		return db, err
	}
	c := conversion{filler: filler{ctx: context.Background(), db: db}, slots: file, recipients: map[rosterEpoch][]string{}}
	err = viewFile(u.old, func(old *bolt.Tx) error {
		if err := c.filler.end(guarded(func() error { return c.all(old) })); err != nil {
			return err
		}
		if err := finish(db); err != nil {
			return err
		}
		return db.View(func(converted *bolt.Tx) error { return compare(old, converted, file) })
	})
	return db, errors.Join(err, file.Close())
}

func (u upgrade) newSlots(db *bolt.DB) (*slots.File, error) {
	var salt []byte
	err := viewFile(u.old, func(tx *bolt.Tx) error {
		salt = append(salt, tx.Bucket(bucketMeta).Get(keySalt)...)
		return nil
	})
	if err != nil || len(salt) != saltSize {
		return nil, errors.Join(err, fmt.Errorf("the vault's salt is %w", ErrDamaged))
	}
	id := newSlotsID()
	if err := db.Update(func(tx *bolt.Tx) error { return createBuckets(tx, salt, id) }); err != nil {
		return nil, err
	}
	path := slotsPath(u.path) + upgradeSuffix
	if err := slots.Create(path, id); err != nil {
		return nil, err
	}
	return slots.Open(path, id, func(func(uint32) bool) {})
}

// exchange gives the new files their names, the vault's last. The second name
// of the old vault comes first, and durably: it tells prepare what happened.
func (u upgrade) exchange() error {
	for _, step := range []func() error{
		func() error { return os.Link(u.path, u.backup()) },
		func() error { return os.Rename(slotsPath(u.path)+upgradeSuffix, slotsPath(u.path)) },
		func() error { return os.Rename(u.path+upgradeSuffix, u.path) },
	} {
		if err := errors.Join(step(), syncFolder(u.path)); err != nil {
			return err
		}
	}
	return nil
}

// openUpgraded runs the upgrade, and lets go of the old vault.
func openUpgraded(old *bolt.DB, path string) (db *bolt.DB, told string, err error) {
	db, told, err = upgrade{old, path}.run()
	return db, told, errors.Join(err, old.Close())
}
