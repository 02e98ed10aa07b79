//go:build crash && linux && amd64

package trace

import (
	"fmt"
	"syscall"
)

// A Step is one call that changes a file, the N-th since the count began.
type Step struct {
	N    int    `json:"n"`
	Call string `json:"call"` // "pwrite64"
	File string `json:"file"` // "vault.db", below the folder
	Size int    `json:"size"` // of what is written
}

func (s Step) String() string { return fmt.Sprintf("%d %s %s", s.N, s.Call, s.File) }

// A Mode is the harm that is done at a step.
type Mode string

// The modes. Each fault comes twice: before it reached the file, and after.
const (
	KillBefore Mode = "killed, not persisted"
	KillAfter  Mode = "killed, persisted"
	KillTorn   Mode = "killed, half persisted" // of a write, at a page's edge
	Cut        Mode = "power cut"
	FailBefore Mode = "failed, not persisted"
	FailAfter  Mode = "failed, persisted"

	// Untraced, of the rule that a program is started with, leaves it alone: it
	// runs at full speed, and has no steps.
	Untraced Mode = "untraced"
)

// A Rule says what happens, and when. The zero Rule counts and does no harm.
type Rule struct {
	At    int           `json:"at"`   // a step's number, from 1
	Only  string        `json:"only"` // counts this call alone, if it is given
	File  string        `json:"file"` // and this file alone
	Mode  Mode          `json:"mode"`
	Errno syscall.Errno `json:"errno"` // of the modes that fail
	Ever  bool          `json:"ever"`  // and every later step fails, too
	Seed  uint64        `json:"seed"`  // of a power cut
}

// An End is what became of the program.
type End struct {
	Signal int    `json:"signal"` // that killed it, or 0
	Exit   int    `json:"exit"`   // its exit code
	Hit    *Step  `json:"hit"`    // where harm was done
	Undone int    `json:"undone"` // changes that a power cut took back
	Steps  []Step `json:"steps"`  // since the count began
}

// A call is a system call that changes files.
type call struct {
	name   string
	fd     int // argument that is a descriptor, or -1
	path   int // argument that is a path, or -1
	size   int // argument that is a length, or -1
	openat bool
}

var calls = map[uint64]call{
	syscall.SYS_PWRITE64:  {name: "pwrite64", path: -1, size: 2},
	syscall.SYS_WRITE:     {name: "write", path: -1, size: 2},
	syscall.SYS_FSYNC:     {name: "fsync", path: -1, size: -1},
	syscall.SYS_FDATASYNC: {name: "fdatasync", path: -1, size: -1},
	syscall.SYS_FTRUNCATE: {name: "ftruncate", path: -1, size: 1},
	syscall.SYS_FALLOCATE: {name: "fallocate", path: -1, size: 3},
	syscall.SYS_OPENAT:    {name: "create", fd: -1, path: 1, size: -1, openat: true},
	syscall.SYS_RENAME:    {name: "rename", fd: -1, path: 1, size: -1},
	syscall.SYS_RENAMEAT:  {name: "rename", fd: -1, path: 3, size: -1},
	sysRenameat2:          {name: "rename", fd: -1, path: 3, size: -1},
	syscall.SYS_LINK:      {name: "link", fd: -1, path: 1, size: -1},
	syscall.SYS_LINKAT:    {name: "link", fd: -1, path: 3, size: -1},
	syscall.SYS_UNLINK:    {name: "unlink", fd: -1, path: 0, size: -1},
	syscall.SYS_UNLINKAT:  {name: "unlink", fd: -1, path: 1, size: -1},
	syscall.SYS_MKDIR:     {name: "mkdir", fd: -1, path: 0, size: -1},
	syscall.SYS_MKDIRAT:   {name: "mkdir", fd: -1, path: 1, size: -1},
}

const sysRenameat2 = 316
