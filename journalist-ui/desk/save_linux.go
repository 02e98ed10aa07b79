package desk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// writeUnnamed writes a file that has no name (O_TMPFILE, open(2)) and gives it
// one when it is whole. Until then nobody but this process can find it, and the
// kernel takes it away with the process.
func writeUnnamed(path string, r io.Reader) error {
	fd, err := unix.Open(filepath.Dir(path), unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, fileMode)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EINVAL) {
		return errNeedsName
	}
	if err != nil {
		return fmt.Errorf("failed to create the output file: %w", err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if err := fill(f, r); err != nil {
		return err
	}
	// linkat(2) refuses a name that is taken.
	err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	switch {
	case errors.Is(err, unix.EEXIST):
		return fmt.Errorf("failed to save: %w", err)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EPERM), errors.Is(err, unix.EOPNOTSUPP): // no /proc, or no links
		return errNeedsName
	case err != nil:
		return fmt.Errorf("failed to save: %w", err)
	}
	return nil
}
