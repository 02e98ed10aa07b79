package admin

import (
	"fmt"
	"syscall"
)

// diskSpace returns what the disk that holds dir still takes of this user's
// files, and its size, in bytes (statfs(2)).
func diskSpace(dir string) (free, size uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("failed to ask for the disk's space: %w", err)
	}
	block := uint64(s.Bsize)
	return s.Bavail * block, s.Blocks * block, nil
}
