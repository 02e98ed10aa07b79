package offline

import (
	"net"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"sourdine/journalist-ui/offline/seccomp"
)

// crippledKernel makes this process meet a kernel that lacks a wall, by a
// filter of its own, and then seals.
func crippledKernel(how string) func() any {
	p := seccomp.Policy{Otherwise: seccomp.Allow}
	switch how {
	case "no seccomp":
		p.Rules = seccomp.On(seccomp.Absent, unix.SYS_SECCOMP)
	case "no-op seccomp": // seccomp(2) says yes and does nothing
		p.Rules = seccomp.On(seccomp.Absent, unix.SYS_SECCOMP)
	case "no prctl":
		p.Rules = []seccomp.Rule{{Call: unix.SYS_PRCTL, Action: seccomp.Refuse, Where: []seccomp.Cond{
			{Arg: 0, Mask: seccomp.All, Value: unix.PR_SET_DUMPABLE},
		}}}
	case "no landlock":
		p.Rules = seccomp.On(seccomp.Absent, unix.SYS_LANDLOCK_CREATE_RULESET)
	case "broken landlock":
		p.Rules = seccomp.On(seccomp.Refuse, unix.SYS_LANDLOCK_RESTRICT_SELF)
	}
	prog, err := p.Program()
	if err != nil {
		panic(err)
	}
	if how == "no-op seccomp" {
		for i := range prog {
			if prog[i].K == unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS) {
				prog[i].K = unix.SECCOMP_RET_ERRNO
			}
		}
	}
	install(prog)
	return func() any {
		return outcome{"seal": errText(Seal()), "socket": errText(closed(net.ListenPacket("udp", "127.0.0.1:0")))}
	}
}

func install(prog []unix.SockFilter) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	if err := syscallErr(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&fprog))); err != nil {
		panic(err)
	}
}

func syscallErr(number, a, b, c uintptr) error {
	if _, _, errno := unix.Syscall(number, a, b, c); errno != 0 {
		return errno
	}
	return nil
}

func pointer(p *byte) uintptr { return uintptr(unsafe.Pointer(p)) }
