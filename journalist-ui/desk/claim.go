package desk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// A claimed folder is one where this run, and no other, makes a home. It knows
// what the run made, and takes back nothing else.
type claimed struct {
	home    string
	made    []string // folders, the outermost first
	written []string // names in home
}

// claim makes the folder, unless it is there, and takes possession of it: of two
// programs that create a home in it at once, one gets [ErrExists].
func claim(home string) (*claimed, error) {
	c := &claimed{home: filepath.Clean(home)}
	err := c.makeFolders()
	if err == nil {
		err = c.takeLock()
	}
	if err != nil {
		return nil, errors.Join(err, c.discard())
	}
	return c, nil
}

// makeFolders makes home and what is missing above it.
func (c *claimed) makeFolders() error {
	var missing []string
	for at := c.home; ; at = filepath.Dir(at) {
		_, err := os.Lstat(at)
		if !errors.Is(err, fs.ErrNotExist) {
			break // it is there, or Mkdir below says what is wrong
		}
		missing = append(missing, at)
	}
	for _, at := range slices.Backward(missing) {
		err := os.Mkdir(at, folderMode)
		if errors.Is(err, fs.ErrExist) {
			continue // another run's
		}
		if err != nil {
			return fmt.Errorf("failed to create the home: %w", err)
		}
		c.made = append(c.made, at)
	}
	return nil
}

// takeLock makes the lock file, which must then be all that is in the folder.
func (c *claimed) takeLock() error {
	f, err := os.OpenFile(c.path(lockName), os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	if errors.Is(err, fs.ErrExist) {
		if err := checkFolder(c.home); err != nil {
			return err
		}
		return ErrExists // and it has gone since
	}
	if err != nil {
		return fmt.Errorf("failed to create the home: %w", err)
	}
	c.written = append(c.written, lockName)
	if err := f.Close(); err != nil {
		return fmt.Errorf("failed to create the home: %w", err)
	}
	entries, err := os.ReadDir(c.home)
	if err != nil {
		return fmt.Errorf("failed to look into the folder: %w", err)
	}
	if len(entries) != 1 {
		return fmt.Errorf("%w: it is not empty", ErrExists)
	}
	if err := os.Chmod(c.home, folderMode); err != nil {
		return fmt.Errorf("failed to close the home to others: %w", err)
	}
	return nil
}

// write writes a file that is not there yet. It need not appear whole: until the
// mark is there, nothing counts.
func (c *claimed) write(name string, data []byte) error {
	f, err := os.OpenFile(c.path(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("failed to create the home: %w", err)
	}
	c.written = append(c.written, name)
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("failed to write the home's %s: %w", name, err)
	}
	return nil
}

// writeMark makes the folder a home, in one step.
func (c *claimed) writeMark(data []byte) error {
	if _, err := os.Lstat(c.path(markName)); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: something else writes into it", ErrExists)
	}
	if err := writeFile(c.home, markName, data); err != nil { // fsyncs the folder too
		return err
	}
	c.written = append(c.written, markName)
	return nil
}

// syncAbove makes the names of home and of all folders made above it durable.
func (c *claimed) syncAbove() error {
	for _, at := range append(c.made, c.home) {
		if err := syncFolder(filepath.Dir(at)); err != nil {
			return err
		}
	}
	return nil
}

// discard takes back what this run made. A folder that someone else has put
// something into stays.
func (c *claimed) discard() (err error) {
	for _, name := range slices.Backward(c.written) {
		if gone := os.Remove(c.path(name)); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	for _, at := range slices.Backward(c.made) {
		if entries, readErr := os.ReadDir(at); readErr == nil && len(entries) > 0 {
			break
		}
		err = errors.Join(err, os.Remove(at))
	}
	return err
}

func (c *claimed) path(name string) string { return filepath.Join(c.home, name) }
