package witness

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
	newSuffix  = ".new" // of a file that is being written; what a kill leaves is overwritten
)

// A fileSystem is the book's folder: all that the book asks of the disk, so that
// each step can be made to fail. Names are relative to the folder, "." itself.
type fileSystem interface {
	open(name string) (file, error)   // to read
	edit(name string) (file, error)   // to read and write what is there
	create(name string) (file, error) // to write anew, empty
	rename(from, to string) error     // replaces
	mkdir(name string) error          // what is there stays
	list(name string) ([]string, error)
	syncFolder(name string) error
}

type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// disk is the real one.
type disk struct{ folder string }

func (d disk) at(name string) string { return filepath.Join(d.folder, name) }

func (d disk) open(name string) (file, error) { return opened(os.Open(d.at(name))) }

func (d disk) edit(name string) (file, error) {
	return opened(os.OpenFile(d.at(name), os.O_RDWR, fileMode))
}

func (d disk) create(name string) (file, error) {
	return opened(os.OpenFile(d.at(name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, fileMode))
}

// opened keeps a nil file from becoming an interface that is not nil.
func opened(f *os.File, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d disk) rename(from, to string) error { return os.Rename(d.at(from), d.at(to)) }

func (d disk) mkdir(name string) error {
	if err := os.Mkdir(d.at(name), folderMode); !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func (d disk) list(name string) ([]string, error) {
	entries, err := os.ReadDir(d.at(name))
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

func (d disk) syncFolder(name string) error {
	f, err := os.Open(d.at(name))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// replace makes a file appear whole and durable under its name, or not at all:
// written beside it, fsync, renamed, fsync of the folder.
func replace(fs fileSystem, name string, data []byte) error {
	err := writeNew(fs, name+newSuffix, data)
	if err == nil {
		err = fs.rename(name+newSuffix, name)
	}
	if err == nil {
		err = fs.syncFolder(filepath.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("failed to write %s: %w", filepath.Base(name), err)
	}
	return nil
}

func writeNew(fs fileSystem, name string, data []byte) error {
	f, err := fs.create(name)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// read returns a file of at most limit bytes.
func read(fs fileSystem, name string, limit int64) ([]byte, error) {
	f, err := fs.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", filepath.Base(name), limit)
	}
	return b, nil
}
