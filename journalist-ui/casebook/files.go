package casebook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// journalName is where SQLite puts the rollback journal of a database.
func journalName(path string) string { return path + "-journal" }

// createEmpty makes the file, for its owner only. SQLite would make it readable
// by all.
func createEmpty(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and a casebook is never written over a file", filepath.Base(name))
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// keepJournal puts back an empty journal where there is none, in a way that
// outlives a power cut: see the comment on settings. There is none in a copy, and
// after SQLite undid what a crash left.
func keepJournal(path string) error {
	_, err := os.Stat(journalName(path))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(journalName(path), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), syncFolder(path))
}

// syncFolder makes the names of the files in the folder of path durable.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("failed to sync the folder: %w", err)
	}
	return nil
}

// realPath gives the path as SQLite will see it, so that both mean one file.
func realPath(path string) (string, error) {
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return "", err
	}
	name := filepath.Join(folder, filepath.Base(path))
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real, nil
	}
	return name, nil
}
