package seccomp

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_X86_64

	// x32 shares the architecture of amd64 and marks its numbers with bit 30
	// (arch/x86/include/uapi/asm/unistd.h, __X32_SYSCALL_BIT).
	foreignBit = 0x40000000
)
