package sandbox

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"sourdine/journalist-ui/offline/seccomp"
)

// threadFlags is what Go's runtime passes to clone(2) for a thread
// (runtime/os_linux.go, cloneFlags; on amd64 CLONE_SETTLS comes on top). A
// process would lack CLONE_THREAD.
const threadFlags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES |
	unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD

// runtimeOnly lists the system calls that Go's runtime makes while a program
// computes, reads and writes; everything else answers EPERM. All that a document's
// decoder could ever want from the system is in this list.
func runtimeOnly() seccomp.Policy {
	const mapType = 0x0f // MAP_TYPE of mman.h: shared, private …
	return seccomp.Policy{
		Otherwise: seccomp.Refuse,
		Rules: slices.Concat(
			seccomp.On(seccomp.Allow,
				// Time and scheduling; first because most frequent.
				unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME,
				unix.SYS_SCHED_YIELD, unix.SYS_EPOLL_PWAIT, unix.SYS_RESTART_SYSCALL,
				// The pipes.
				unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CLOSE,
				// Memory given back or advised on.
				unix.SYS_MUNMAP, unix.SYS_MADVISE,
				// A thread's own signals.
				unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
				unix.SYS_GETTID, unix.SYS_GETPID,
				unix.SYS_GETRANDOM,
				unix.SYS_EXIT, unix.SYS_EXIT_GROUP),
			[]seccomp.Rule{
				// Memory that is private, of no file, and never executable.
				{Call: unix.SYS_MMAP, Action: seccomp.Allow, Where: []seccomp.Cond{
					{Arg: 2, Mask: unix.PROT_EXEC, Value: 0},
					{Arg: 3, Mask: mapType | unix.MAP_ANONYMOUS, Value: unix.MAP_PRIVATE | unix.MAP_ANONYMOUS},
				}},
				{Call: unix.SYS_CLONE, Action: seccomp.Allow, Where: []seccomp.Cond{
					{Arg: 0, Mask: seccomp.All &^ unix.CLONE_SETTLS, Value: threadFlags},
				}},
				// The runtime interrupts its own threads.
				{Call: unix.SYS_TGKILL, Action: seccomp.Allow, Where: []seccomp.Cond{
					{Arg: 0, Mask: seccomp.All, Value: uint64(os.Getpid())},
				}},
			},
		),
	}
}
