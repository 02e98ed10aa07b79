//go:build crash && linux && amd64

package trace

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A tracer is the process between the test and the program: ptrace wants all of
// its requests from one thread, and wait4 takes every child's end.
type tracer struct {
	folder string
	pid    int
	watch  atomic.Pointer[watch]
	inCall map[int]*pending // by thread
	undo   undo
	hit    *Step
}

// A watch is a rule and what was counted since it began.
type watch struct {
	rule  Rule
	mu    sync.Mutex
	steps []Step
}

func (w *watch) count(s Step) Step {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.N = len(w.steps) + 1
	w.steps = append(w.steps, s)
	return s
}

func (w *watch) counted() []Step {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.steps)
}

// A pending is a call between its entry and its exit.
type pending struct {
	step   *Step
	fail   syscall.Errno
	mode   Mode
	synced *synced
}

// start starts the program, under ptrace if it is to be traced.
func (t *tracer) start(cmd *exec.Cmd, traced bool) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: traced, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	t.pid = cmd.Process.Pid
	if !traced {
		return nil
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(t.pid, &status, 0, nil); err != nil {
		return err
	}
	const options = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
	if err := syscall.PtraceSetOptions(t.pid, options); err != nil {
		return err
	}
	return syscall.PtraceSyscall(t.pid, 0)
}

// run goes on until the program ends.
func (t *tracer) run() (End, error) {
	runtime.LockOSThread()
	seen := map[int]bool{t.pid: true}
	for {
		var status syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &status, syscall.WALL, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return End{}, err
		case status.Exited() && tid == t.pid:
			return End{Exit: status.ExitStatus(), Hit: t.hit}, nil
		case status.Signaled() && tid == t.pid:
			return End{Signal: int(status.Signal()), Hit: t.hit}, nil
		case !status.Stopped():
			delete(t.inCall, tid)
			continue
		}
		signal := status.StopSignal()
		switch {
		case signal == syscall.SIGTRAP|0x80:
			t.atCall(tid)
			signal = 0
		case signal == syscall.SIGTRAP, signal == syscall.SIGSTOP && !seen[tid]:
			signal = 0
		}
		seen[tid] = true
		// It fails when the thread was killed meanwhile: wait4 will tell.
		_ = syscall.PtraceSyscall(tid, int(signal))
	}
}

// A callInfo is ptrace_syscall_info of linux/ptrace.h.
type callInfo struct {
	Op   uint8
	_    [3]uint8
	Arch uint32
	IP   uint64
	SP   uint64
	Nr   uint64 // on exit: the result
	Args [6]uint64
	_    uint64
}

func callOf(tid int) (info callInfo, ok bool) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	return info, errno == 0 && n > 0
}

func (t *tracer) atCall(tid int) {
	info, ok := callOf(tid)
	if !ok {
		return
	}
	switch info.Op {
	case unix.PTRACE_SYSCALL_INFO_ENTRY:
		t.enter(tid, info)
	case unix.PTRACE_SYSCALL_INFO_EXIT:
		if p := t.inCall[tid]; p != nil {
			delete(t.inCall, tid)
			t.leave(tid, p, int64(info.Nr))
		}
	}
}

// enter counts a call, and does harm when it is the one.
func (t *tracer) enter(tid int, info callInfo) {
	w := t.watch.Load()
	step, ok := t.stepOf(tid, info)
	if !ok || w.rule.Only != "" && w.rule.Only != step.Call || w.rule.File != "" && w.rule.File != step.File {
		return
	}
	step = w.count(step)
	p := &pending{step: &step, synced: t.undo.enter(tid, info, w.rule.Mode == Cut)}
	t.inCall[tid] = p
	if step.N != w.rule.At && (!w.rule.Ever || step.N < w.rule.At || w.rule.At == 0) {
		return
	}
	if p.mode = w.rule.Mode; t.hit == nil {
		t.hit = &step
	}
	switch p.mode {
	case KillBefore, Cut:
		t.kill()
	case KillTorn:
		tear(tid, step)
	case FailBefore:
		if p.fail = w.rule.Errno; !canFail(step, p.fail) {
			p.fail = 0
			return
		}
		skip(tid)
	case FailAfter:
		p.fail = w.rule.Errno
	}
}

// leave is where what comes after a call happens.
func (t *tracer) leave(tid int, p *pending, result int64) {
	if result >= 0 {
		t.undo.leave(p.synced)
	}
	switch {
	case p.mode == KillAfter, p.mode == KillTorn:
		t.kill()
	case p.fail != 0 && (p.mode == FailBefore || result >= 0):
		var regs syscall.PtraceRegs
		if syscall.PtraceGetRegs(tid, &regs) == nil {
			regs.Rax = uint64(-int64(p.fail))
			_ = syscall.PtraceSetRegs(tid, &regs)
		}
	}
}

func (t *tracer) kill() { _ = syscall.Kill(t.pid, syscall.SIGKILL) }

// canFail keeps to what a full disk refuses.
func canFail(s Step, errno syscall.Errno) bool {
	full := errno == syscall.ENOSPC || errno == syscall.EDQUOT || errno == syscall.EFBIG
	return !full || s.Call != "unlink"
}

// skip keeps the kernel from running the call that a thread enters.
func skip(tid int) {
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &regs) == nil {
		regs.Orig_rax = ^uint64(0)
		_ = syscall.PtraceSetRegs(tid, &regs)
	}
}

// tear shortens a write to half of its pages. The kernel stops a write between
// two pages when a signal kills its process, and nowhere else.
func tear(tid int, s Step) {
	half := s.Size / 2 / pageSize * pageSize
	var regs syscall.PtraceRegs
	if s.Call == "pwrite64" && half > 0 && syscall.PtraceGetRegs(tid, &regs) == nil {
		regs.Rdx = uint64(half)
		_ = syscall.PtraceSetRegs(tid, &regs)
	}
}

var pageSize = os.Getpagesize()
