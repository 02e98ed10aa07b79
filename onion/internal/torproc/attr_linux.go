package torproc

import "syscall"

// ownedChild puts the child in its own process group, out of the terminal's
// reach, and has the kernel kill it when this process dies.
func ownedChild() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
