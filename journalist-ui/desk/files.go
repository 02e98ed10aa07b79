package desk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	fileMode   = 0o600
	folderMode = 0o700
)

// writeFile makes a file appear whole and durable under its name, or not at
// all: written elsewhere, fsync, renamed, fsync of the folder. It replaces a file
// of that name.
func writeFile(folder, name string, data []byte) error {
	if err := placeFile(folder, name, data); err != nil {
		return err
	}
	return syncFolder(folder)
}

// placeFile is writeFile but for the last step: the name is not durable yet.
func placeFile(folder, name string, data []byte) error {
	temp, err := os.CreateTemp(folder, "."+name+".*"+partialSuffix) // mode 0600
	if err != nil {
		return fmt.Errorf("failed to create %s: %w", name, err)
	}
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), filepath.Join(folder, name))
	}
	if err != nil {
		os.Remove(temp.Name())
		return fmt.Errorf("failed to write %s: %w", name, err)
	}
	return nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("failed to open folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("failed to sync folder: %w", err)
	}
	return nil
}

// readFile reads a file of the home, of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", filepath.Base(path), limit)
	}
	return b, nil
}
