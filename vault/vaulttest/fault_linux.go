package vaulttest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// FailWrites makes every write fail that this process does to a file which it has
// open, as a failing disk would, until mend is called: the descriptors become
// read-only ones of the same file. Locks and mappings stay.
func FailWrites(t testing.TB, path string) (mend func()) {
	t.Helper()
	mends, err := failWrites(path)
	if err != nil {
		t.Fatalf("failed to let writes to %s fail: %v", filepath.Base(path), err)
	}
	if len(mends) == 0 {
		t.Fatalf("%s is not open", filepath.Base(path))
	}
	mended := false
	mend = func() {
		if mended {
			return
		}
		mended = true
		for _, m := range mends {
			if err := m(); err != nil {
				t.Errorf("failed to mend: %v", err)
			}
		}
	}
	t.Cleanup(mend)
	return mend
}

func failWrites(path string) (mends []func() error, err error) {
	found, err := descriptors(path)
	for _, fd := range found {
		mend, err := readOnly(fd, path)
		if err != nil {
			return mends, err
		}
		mends = append(mends, mend)
	}
	return mends, err
}

// descriptors are those that this process has of a file.
func descriptors(path string) (found []int, err error) {
	wanted, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	for _, entry := range fds {
		var fd int
		if _, err := fmt.Sscan(entry.Name(), &fd); err != nil {
			return nil, err
		}
		there, err := os.Stat("/proc/self/fd/" + entry.Name())
		if err == nil && os.SameFile(there, wanted) { // else perhaps the one that listed the folder
			found = append(found, fd)
		}
	}
	return found, nil
}

func readOnly(fd int, path string) (mend func() error, err error) {
	kept, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	reader, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Dup3(reader, fd, unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	return func() error {
		return errors.Join(unix.Dup3(kept, fd, unix.O_CLOEXEC), unix.Close(kept))
	}, unix.Close(reader)
}
