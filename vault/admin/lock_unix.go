//go:build unix

package admin

import (
	"os"
	"syscall"
)

// lockDir keeps two programs from making a home in the same folder at once, and
// tells what another is building from what a dead one left (flock(2)).
func lockDir(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		d.Close()
		return nil, &os.PathError{Op: "lock", Path: dir, Err: err}
	}
	return func() { d.Close() }, nil
}
