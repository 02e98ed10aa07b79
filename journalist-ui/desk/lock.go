package desk

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lockImport keeps a second import out until the returned function is called, or
// the process dies. The error is [ErrBusy] when there is one already.
func (d *Desk) lockImport() (unlock func() error, err error) {
	f, err := os.OpenFile(d.path(lockName), os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, fmt.Errorf("failed to lock the home: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrBusy
		}
		return nil, fmt.Errorf("failed to lock the home: %w", err)
	}
	return f.Close, nil // closing releases the lock
}
