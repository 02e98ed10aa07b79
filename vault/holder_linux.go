package vault

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// locked is [ErrLocked], with the process that holds the file at path as far as
// the kernel tells (proc_locks(5)).
func locked(path string) error {
	pid := holder(path)
	if pid == 0 {
		return ErrLocked
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil { // it has just ended
		return ErrLocked
	}
	return fmt.Errorf("%w: process %d, %q", ErrLocked, pid, strings.TrimSpace(string(name)))
}

// holder returns the process that holds a flock(2) on a file, or 0. A line is
//
//	1: FLOCK  ADVISORY  WRITE 4242 fe:01:1234567 0 EOF
func holder(path string) int {
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil {
		return 0
	}
	wanted := fmt.Sprintf("%02x:%02x:%d", unix.Major(uint64(s.Dev)), unix.Minor(uint64(s.Dev)), s.Ino)
	f, err := os.Open("/proc/locks")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 6 || words[1] != "FLOCK" || words[5] != wanted {
			continue
		}
		if pid, err := strconv.Atoi(words[4]); err == nil && pid > 0 {
			return pid
		}
	}
	return 0
}
