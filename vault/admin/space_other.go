//go:build !linux

package admin

// diskSpace knows nothing of disks elsewhere.
func diskSpace(string) (free, size uint64, err error) { return 0, 0, nil }
