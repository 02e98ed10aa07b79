package seccomp

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// judge runs the program on one system call in another implementation's
// machine. That machine reads numbers big-endian, the kernel natively.
func judge(t *testing.T, p Policy, arch, number uint32, args ...uint64) uint32 {
	t.Helper()
	prog, err := p.Program()
	if err != nil {
		t.Fatal(err)
	}
	var instructions []bpf.Instruction
	for _, i := range prog {
		instructions = append(instructions, bpf.RawInstruction{Op: i.Code, Jt: i.Jt, Jf: i.Jf, K: i.K}.Disassemble())
	}
	vm, err := bpf.NewVM(instructions)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, offArgs+6*8)
	binary.BigEndian.PutUint32(data[offNumber:], number)
	binary.BigEndian.PutUint32(data[offArch:], arch)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[offArgs+8*i:], uint32(a))
		binary.BigEndian.PutUint32(data[offArgs+8*i+4:], uint32(a>>32))
	}
	verdict, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(verdict)
}

const (
	kill  = unix.SECCOMP_RET_KILL_PROCESS
	allow = unix.SECCOMP_RET_ALLOW
	eperm = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	ensys = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

func TestVerdicts(t *testing.T) {
	deny := Policy{Otherwise: Allow, Rules: append([]Rule{
		{Call: 50, Action: Allow, Where: []Cond{{Arg: 0, Mask: All, Value: 1}, {Arg: 2, Mask: 0xf0, Value: 0x30}}},
		{Call: 51, Action: Allow, Where: []Cond{{Arg: 5, Mask: All, Value: 1<<40 | 7}}},
	}, append(On(Refuse, 50, 51, 52), On(Absent, 53)...)...)}
	strict := Policy{Otherwise: Refuse, Rules: On(Allow, 10, 11)}

	for _, c := range []struct {
		name   string
		policy Policy
		arch   uint32
		number uint32
		args   []uint64
		want   uint32
	}{
		{"unlisted passes", deny, auditArch, 49, nil, allow},
		{"both conditions hold", deny, auditArch, 50, []uint64{1, 0, 0x3f}, allow},
		{"first condition fails", deny, auditArch, 50, []uint64{2, 0, 0x30}, eperm},
		{"second condition fails", deny, auditArch, 50, []uint64{1, 0, 0x40}, eperm},
		{"high half counts", deny, auditArch, 50, []uint64{1 << 32, 0, 0x30}, eperm},
		{"high half added", deny, auditArch, 50, []uint64{1<<32 | 1, 0, 0x30}, eperm},
		{"64-bit value", deny, auditArch, 51, []uint64{0, 0, 0, 0, 0, 1<<40 | 7}, allow},
		{"64-bit value, low half only", deny, auditArch, 51, []uint64{0, 0, 0, 0, 0, 7}, eperm},
		{"refused", deny, auditArch, 52, nil, eperm},
		{"absent", deny, auditArch, 53, nil, ensys},
		{"i386 socketcall", deny, unix.AUDIT_ARCH_I386, 102, nil, kill},
		{"i386 unlisted", deny, unix.AUDIT_ARCH_I386, 49, nil, kill},
		{"32-bit ARM", strict, unix.AUDIT_ARCH_ARM, 10, nil, kill},
		{"strict, listed", strict, auditArch, 11, nil, allow},
		{"strict, unlisted", strict, auditArch, 12, nil, eperm},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := judge(t, c.policy, c.arch, c.number, c.args...); got != c.want {
				t.Errorf("verdict %#x, want %#x", got, c.want)
			}
		})
	}
	if foreignBit != 0 {
		if got := judge(t, deny, auditArch, foreignBit|41); got != kill {
			t.Errorf("x32 socket: verdict %#x, want the process killed", got)
		}
	}
}

func TestUnknownActionRefuses(t *testing.T) {
	if got := judge(t, Policy{Otherwise: Action(99)}, auditArch, 1); got != eperm {
		t.Errorf("verdict %#x, want EPERM", got)
	}
}

func TestProgramRefused(t *testing.T) {
	_, err := Policy{Rules: []Rule{{Call: 1, Where: []Cond{{Arg: 6}}}}}.Program()
	if err == nil || !strings.Contains(err.Error(), "argument 6") {
		t.Errorf("a condition on a seventh argument: %v", err)
	}
	_, err = Policy{Rules: On(Refuse, make([]uintptr, maxProgram)...)}.Program()
	if err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a program longer than the kernel takes: %v", err)
	}
}
