package offline

import (
	"errors"
	"fmt"
	"slices"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"

	"sourdine/journalist-ui/offline/seccomp"
)

// Seal takes the network away from this process and all it will start, on all
// threads and for good, and keeps its memory from core files and from other
// processes. Calling it twice is harmless.
//
// An error means that the walls do not stand: show it and stop.
func Seal() error {
	if err := NoDump(); err != nil {
		return fmt.Errorf("sealing the desk off the network: %w", err)
	}
	if err := sealByLandlock(); err != nil {
		return fmt.Errorf("sealing the desk off the network: %w", err)
	}
	if err := noNetwork().Install(); err != nil {
		return fmt.Errorf("sealing the desk off the network: %w", err)
	}
	if err := tryWalls(); err != nil {
		return fmt.Errorf("sealing the desk off the network: %w", err)
	}
	return nil
}

// NoDump keeps the memory of this process out of core files, and other
// processes of the same user from reading it. A program started later begins
// without the second half and must call NoDump itself.
func NoDump() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core files: %w", err)
	}
	// The limit alone is not enough: with a pipe in core_pattern (systemd-coredump, apport) the kernel
	// ignores it.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("forbidding memory dumps: %w", err)
	}
	return nil
}

// sealByLandlock adds what the kernel has of a second wall: no TCP bind and
// connect (Linux 6.7), no signals and abstract unix sockets to others (6.12),
// and with either, /proc/PID/mem of other processes is closed. Files are left
// alone. Best effort on purpose: the filter holds the promise by itself, and the
// kernel of Debian 12 (6.1) knows Landlock for files only.
func sealByLandlock() error {
	wall := landlock.V11
	wall.HandledAccessFS = 0
	if err := wall.BestEffort().Restrict(); err != nil {
		return fmt.Errorf("restricting the network by landlock: %w", err)
	}
	return nil
}

// noNetwork lets everything pass but the ways to a network and into other
// processes. Calls that only move bytes on an open socket stay: the desk's
// listener needs them.
func noNetwork() seccomp.Policy {
	return seccomp.Policy{
		Otherwise: seccomp.Allow,
		Rules: slices.Concat(
			[]seccomp.Rule{
				{Call: unix.SYS_SOCKETPAIR, Action: seccomp.Allow, Where: []seccomp.Cond{
					{Arg: 0, Mask: seccomp.All, Value: unix.AF_UNIX},
				}},
				{Call: unix.SYS_SENDTO, Action: seccomp.Allow, Where: []seccomp.Cond{
					{Arg: 4, Mask: seccomp.All, Value: 0}, // no address: send(2)
				}},
			},
			seccomp.On(seccomp.Refuse,
				unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN,
				// These carry the address, or a descriptor from another process, behind a pointer.
				unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG, unix.SYS_RECVMSG, unix.SYS_RECVMMSG,
				unix.SYS_PIDFD_GETFD,
				unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV,
				unix.SYS_BPF,
				// request_key may make the kernel start a program of its own, unsealed, that looks up a name.
				unix.SYS_REQUEST_KEY, unix.SYS_ADD_KEY, unix.SYS_KEYCTL),
			terminalInput(),
			seccomp.On(seccomp.Absent,
				unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER),
		),
	}
}

// low is the half of an argument that ioctl(2) reads as its request: a rule that
// refuses must not be escaped by what stands in the other half.
const low = 1<<32 - 1

// terminalInput refuses to type into a terminal: the shell that started the desk
// would read it as a command, and is not sealed (ioctl_tty(2)).
func terminalInput() []seccomp.Rule {
	var rules []seccomp.Rule
	for _, request := range []uint64{unix.TIOCSTI, unix.TIOCLINUX} {
		rules = append(rules, seccomp.Rule{Call: unix.SYS_IOCTL, Action: seccomp.Refuse, Where: []seccomp.Cond{
			{Arg: 1, Mask: low, Value: request},
		}})
	}
	return rules
}

// tryWalls asks the kernel for what it must refuse. A kernel or a container
// that accepts filters and does not apply them is thereby found out.
func tryWalls() error {
	for _, family := range []int{unix.AF_INET, unix.AF_INET6, unix.AF_UNIX, unix.AF_NETLINK} {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
			return errors.New("the kernel took the filter and still gives out sockets")
		}
		if !errors.Is(err, unix.EPERM) {
			return fmt.Errorf("a socket was refused for another reason than our filter: %w", err)
		}
	}
	return tryOtherWays()
}

// tryOtherWays asks for what reaches programs outside, with arguments that are
// nonsense to a kernel without our filter.
func tryOtherWays() error {
	for what, call := range map[string][2]uintptr{
		"to type into a terminal":     {unix.SYS_IOCTL, unix.TIOCSTI},
		"to paste into a terminal":    {unix.SYS_IOCTL, unix.TIOCLINUX},
		"to have the kernel ask":      {unix.SYS_REQUEST_KEY, 0},
		"to add to the kernel's keys": {unix.SYS_ADD_KEY, 0},
		"to use the kernel's keys":    {unix.SYS_KEYCTL, ^uintptr(0)},
	} {
		const nowhere = ^uintptr(0) // no file, no address
		if _, _, errno := unix.Syscall(call[0], nowhere, call[1], 0); errno != unix.EPERM {
			return fmt.Errorf("the kernel took the filter and still lets a program try %s: %w", what, errno)
		}
	}
	return nil
}
