package slots

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// A disk is an open slots file and all that changes or reads it. Tests put
// faults and power failures here.
type disk interface {
	// ReadAt and WriteAt are pread and pwrite.
	io.ReaderAt
	io.WriterAt
	// Sync is fdatasync: everything written is on stable storage, and the
	// file's length.
	Sync() error
	// Forget asks the kernel to drop what it caches of the file, so that the
	// next read comes from the device.
	Forget() error
	Close() error
}

// A file is the disk that is real.
type file struct{ *os.File }

// openDisk opens an existing file and locks it: a second program would make
// the slots that the first one uses anew.
func openDisk(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return file{}, err
	}
	if err := lock(f); err != nil {
		return file{}, errors.Join(err, f.Close())
	}
	return file{f}, nil
}

// syncFolder makes a new file's name durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// readOrZeros fills b from the file; what cannot be read, or lies beyond the
// end, is zeros, which no slot in use and no header has.
func readOrZeros(d disk, b []byte, at int64) {
	n, err := d.ReadAt(b, at)
	if err != nil && !errors.Is(err, io.EOF) {
		n = 0
	}
	clear(b[n:])
}
