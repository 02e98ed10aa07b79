//go:build unix

package vault

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockFile keeps others from opening the vault until f is closed: bbolt locks it
// in the same way (flock(2)).
func lockFile(f *os.File) error {
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return os.NewSyscallError("flock", err)
		case time.Since(began) > lockPatience:
			return locked(f.Name())
		}
	}
}
