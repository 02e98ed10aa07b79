//go:build !linux

package torproc

import "syscall"

// ownedChild puts the child in its own process group, out of the terminal's
// reach. There is no death signal here: tor's __OwningControllerProcess ends
// it within 15 seconds.
func ownedChild() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
