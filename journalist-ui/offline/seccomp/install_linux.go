package seccomp

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Install puts the policy in force for every thread of the process and for
// every process it will start, for good. It sets no_new_privs, so programs
// started later gain nothing from set-user-id bits.
//
// Filters stack: where one is already in force, the stricter verdict counts.
func (p Policy) Install() error {
	prog, err := p.Program()
	if err != nil {
		return err
	}
	// no_new_privs belongs to a thread, and the filter may be installed only by a thread that has it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting no_new_privs: %w", err)
	}
	fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&fprog)))
	runtime.KeepAlive(prog)
	if errno != 0 {
		return fmt.Errorf("the kernel refuses a system call filter: %w", errno)
	}
	if thread != 0 {
		return fmt.Errorf("the system call filter does not reach thread %d", thread)
	}
	return nil
}
