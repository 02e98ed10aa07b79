package sandbox

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// closeStrays closes every descriptor above 2 that whoever started the desk
// left open by mistake: a terminal's socket, say. Go's runtime may have made its
// poller already, and would not survive losing it.
func closeStrays() error {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("listing open files: %w", err)
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		switch what, _ := os.Readlink(dir + "/" + e.Name()); what {
		case "anon_inode:[eventpoll]", "anon_inode:[eventfd]":
		default:
			unix.Close(fd) // EBADF for the listing's own
		}
	}
	return nil
}
