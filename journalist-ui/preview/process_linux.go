package preview

import "syscall"

// attributes have the kernel kill a worker whose desk is gone. The kernel means
// the thread that started it: Go ends threads only with goroutines locked to them,
// and nobody renders from such a one.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
