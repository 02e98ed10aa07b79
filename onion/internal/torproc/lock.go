package torproc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// LockFile is the name of the file that marks a folder as used by this package
// or by tornet.
const LockFile = "owner.lock"

// A Lock keeps other processes from using a folder. The kernel drops it when
// this process ends, however it ends.
type Lock struct {
	file *os.File
}

// LockDir makes dir (mode 0700) when it is missing and takes it for this
// process. It fails at once when another holder has it.
func LockDir(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making folder for tor: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, LockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking folder for tor: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errors.New("another process uses it")
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return &Lock{file}, nil
}

// Unlock gives the folder back. The file stays: removing it would let two
// processes lock two files of the same name.
func (l *Lock) Unlock() error { return l.file.Close() }
