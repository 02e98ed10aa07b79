package seccomp

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (seccomp(2)); both architectures are
// little-endian, so the low half of an argument comes first.
const (
	offNumber = 0
	offArch   = 4
	offArgs   = 16
)

// maxProgram is the kernel's BPF_MAXINSNS.
const maxProgram = 4096

var errProcessor = errors.New("no system call filter is written for this processor")

// Program translates the policy into classic BPF:
//
//	arch ≠ ours            → kill
//	number has foreign bit → kill
//	for each rule: number and conditions equal → its action
//	otherwise
//
// Rules are laid out one after the other without any jump that spans two of
// them, which costs nanoseconds and keeps every jump checkable by eye.
func (p Policy) Program() ([]unix.SockFilter, error) {
	if auditArch == 0 {
		return nil, errProcessor
	}
	prog := []unix.SockFilter{
		load(offArch),
		jumpEqual(auditArch, 1, 0),
		ret(unix.SECCOMP_RET_KILL_PROCESS),
		load(offNumber),
	}
	if foreignBit != 0 {
		prog = append(prog,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: foreignBit, Jt: 0, Jf: 1},
			ret(unix.SECCOMP_RET_KILL_PROCESS))
	}
	for _, r := range p.Rules {
		code, err := r.program()
		if err != nil {
			return nil, err
		}
		prog = append(prog, code...)
	}
	prog = append(prog, ret(p.Otherwise.verdict()))
	if len(prog) > maxProgram {
		return nil, fmt.Errorf("filter of %d instructions, at most %d", len(prog), maxProgram)
	}
	return prog, nil
}

// program expects the call number in the accumulator and leaves it there
// when the rule does not match.
func (r Rule) program() ([]unix.SockFilter, error) {
	var body []unix.SockFilter
	for _, c := range r.Where {
		if c.Arg < 0 || c.Arg > 5 {
			return nil, fmt.Errorf("condition on argument %d of system call %d", c.Arg, r.Call)
		}
		low := uint32(offArgs + 8*c.Arg)
		body = append(body, compare(low, uint32(c.Mask), uint32(c.Value))...)
		body = append(body, compare(low+4, uint32(c.Mask>>32), uint32(c.Value>>32))...)
	}
	body = append(body, ret(r.Action.verdict()))

	// Each comparison's "no" leads behind the return, to the reload.
	for i := range body {
		if body[i].Code == unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K {
			body[i].Jf = uint8(len(body) - i - 1)
		}
	}
	if len(r.Where) > 0 {
		body = append(body, load(offNumber))
	}
	return append([]unix.SockFilter{jumpEqual(uint32(r.Call), 0, uint8(len(body)))}, body...), nil
}

func compare(off, mask, value uint32) []unix.SockFilter {
	return []unix.SockFilter{
		load(off),
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask},
		jumpEqual(value, 0, 0),
	}
}

func load(off uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
}

func jumpEqual(k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: yes, Jf: no}
}

func ret(verdict uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: verdict}
}

// verdict answers EPERM for an action it does not know: never Allow.
func (a Action) verdict() uint32 {
	switch a {
	case Allow:
		return unix.SECCOMP_RET_ALLOW
	case Absent:
		return unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	default:
		return unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	}
}
