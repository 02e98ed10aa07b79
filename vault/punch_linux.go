package vault

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// punch makes a part of the file zeros and gives its blocks back (fallocate(2)).
func punch(f *os.File, at, length int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, length)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
