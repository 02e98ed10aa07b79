package vault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// lockPatience is how long Open waits for another process to let go.
	lockPatience = time.Second

	// mapSize is reserved in the address space, not on the disk. A larger file
	// is mapped anew when it grows, which waits for every reader.
	mapSize = 64 << 30

	// growth is by how much the file grows, sparsely: each step is one more
	// fsync.
	growth = 128 << 20
)

// openCurrent opens the file at path in the current version, upgrading it if
// need be, and says what it did.
func openCurrent(path string) (db *bolt.DB, upgraded string, err error) {
	settled, err := checkLists(path)
	if err == nil && !settled {
		err = checkReadable(path)
	}
	if err != nil {
		return nil, "", err
	}
	db, err = openFile(path)
	if err != nil {
		return nil, "", err
	}
	version, err := versionOf(db)
	switch {
	case err != nil:
	case version == 1:
		return openUpgraded(db, path)
	case version != FormatVersion:
		err = fmt.Errorf("the vault has format version %d, this program knows %d", version, FormatVersion)
	default:
		err = removeLeftOvers(path)
	}
	if err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	return db, "", nil
}

// openFile opens and locks what is at path once it has the lock: the file it
// waited for may have been exchanged for another meanwhile.
func openFile(path string) (*bolt.DB, error) {
	for {
		var opened *os.File
		db, err := bolt.Open(path, 0o600, &bolt.Options{
			Timeout:         lockPatience,
			InitialMmapSize: mapSize,
			NoFreelistSync:  true,
			FreelistType:    bolt.FreelistMapType,
			OpenFile: func(path string, flag int, mode fs.FileMode) (_ *os.File, err error) {
				opened, err = os.OpenFile(path, flag&^os.O_CREATE, mode)
				return opened, err
			},
		})
		switch {
		case errors.Is(err, bolterrors.ErrTimeout):
			return nil, locked(path)
		case errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("failed to open vault: %w", fs.ErrPermission)
		case err != nil:
			return nil, fmt.Errorf("failed to open vault: %w", err)
		}
		db.AllocSize = growth
		if isAt(opened, path) {
			return db, nil
		}
		if err := db.Close(); err != nil {
			return nil, fmt.Errorf("failed to open vault: %w", err)
		}
	}
}

func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(opened, there)
}

func versionOf(db *bolt.DB) (version uint32, err error) {
	err = viewFile(db, func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil || len(meta.Get(keyVersion)) != 4 {
			return errors.New("the file is not a vault")
		}
		version = binary.BigEndian.Uint32(meta.Get(keyVersion))
		return nil
	})
	return version, err
}

// removeLeftOvers removes the files that an interrupted Create, Compact or
// upgrade was writing. The vault's lock must be held.
func removeLeftOvers(path string) error {
	slots := slotsPath(path)
	for _, name := range []string{path + compactSuffix, path + upgradeSuffix, slots + upgradeSuffix, slots + newSuffix} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("failed to remove what an interrupted program left: %w", err)
		}
	}
	return nil
}

// syncFolder makes a new name of a file durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
