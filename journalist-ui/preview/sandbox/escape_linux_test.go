package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// escapes lists what a decoder taken over by a document might try. In an open
// process each of them works (or fails for want of root); shut in, each must
// answer EPERM unless escapeErrors says otherwise.
func escapes() map[string]func() error {
	call := func(number uintptr, args ...uintptr) func() error {
		return func() error {
			var a [6]uintptr
			copy(a[:], args)
			if _, _, errno := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
				return errno
			}
			return nil
		}
	}
	file := filepath.Join(filepath.Dir(os.Args[0]), "escaped") // in the test's own folder
	return map[string]func() error{
		"read a file":        func() error { _, err := os.ReadFile("/etc/passwd"); return err },
		"read own memory":    func() error { _, err := os.Open("/proc/self/mem"); return err },
		"list a directory":   func() error { _, err := os.ReadDir("/"); return err },
		"write a file":       func() error { return os.WriteFile(file, []byte("x"), 0o600) },
		"remove a file":      func() error { return unix.Unlink(file) },
		"make a directory":   func() error { return unix.Mkdir(file+"-dir", 0o700) },
		"change directory":   func() error { return unix.Chdir("/tmp") },
		"look at a file":     func() error { var st unix.Stat_t; return unix.Stat("/etc/passwd", &st) },
		"follow a link":      func() error { _, err := unix.Readlink("/proc/self/exe", make([]byte, 99)); return err },
		"file in memory":     func() error { _, err := unix.MemfdCreate("x", 0); return err },
		"pipe":               func() error { return unix.Pipe2(make([]int, 2), 0) },
		"dup":                func() error { _, err := unix.Dup(1); return err },
		"dial tcp":           func() error { _, err := net.DialTimeout("tcp", "127.0.0.1:9", time.Second); return err },
		"dial udp":           func() error { _, err := net.Dial("udp", "127.0.0.1:9"); return err },
		"listen":             func() error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err },
		"unix socket":        func() error { _, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
		"socketpair":         func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
		"run a program":      func() error { return exec.Command("/bin/true").Run() },
		"become a program":   func() error { return unix.Exec("/bin/true", []string{"true"}, nil) },
		"fork":               call(unix.SYS_CLONE, uintptr(unix.SIGCHLD)),
		"fork by clone3":     call(unix.SYS_CLONE3, 0, 0),
		"new namespaces":     call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER),
		"signal the parent":  func() error { return unix.Kill(os.Getppid(), 0) },
		"signal by thread":   call(unix.SYS_TGKILL, uintptr(os.Getppid()), uintptr(os.Getppid()), 0),
		"trace the parent":   func() error { return unix.PtraceSeize(os.Getppid()) },
		"executable memory":  call(unix.SYS_MMAP, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0)),
		"shared memory":      call(unix.SYS_MMAP, 0, 4096, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_ANONYMOUS, ^uintptr(0)),
		"file-backed memory": call(unix.SYS_MMAP, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE, 0),
		"change protection":  call(unix.SYS_MPROTECT, 0, 0, unix.PROT_EXEC),
		"raise a limit":      func() error { return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 9, Max: 9}) },
		"become dumpable":    func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) },
		"another filter":     call(unix.SYS_SECCOMP, 1, 0, 0),
		"io_uring":           call(unix.SYS_IO_URING_SETUP, 1, 0),
		"bpf":                call(unix.SYS_BPF, 0),
		"kernel keys":        call(unix.SYS_KEYCTL, 0, 0, 0),
		"change user":        call(unix.SYS_SETUID, 0),
		"machine name":       func() error { var u unix.Utsname; return unix.Uname(&u) },
		"control a terminal": call(unix.SYS_IOCTL, 0, unix.TIOCGWINSZ, 0),
	}
}

// mode is what the child does after Enter; its output is judged by the parent.
func mode(name string) any {
	switch name {
	case "escape":
		out := map[string]string{}
		for what, f := range escapes() {
			out[what] = verdict(f())
		}
		return out
	case "escape in the open":
		out := map[string]string{}
		for what, f := range escapes() {
			switch what {
			case "become a program", "fork", "trace the parent", "raise a limit", "change directory":
				// These would change this process or the test's own.
			default:
				out[what] = verdict(f())
			}
		}
		return out
	case "work":
		return map[string]string{"work": work()}
	case "write stderr":
		_, err := os.Stderr.WriteString("x")
		return map[string]string{"write": verdict(err)}
	case "strays":
		_, err := unix.Write(stray, []byte("x"))
		return map[string]string{"write": verdict(err)}
	case "memory":
		return hoard()
	case "spin":
		for time.Now().After(time.Time{}) {
		}
	}
	panic("unknown mode " + name)
}

// oldThreads starts four threads now, and has each of them try to escape later.
func oldThreads() func() any {
	ask, answer := make(chan struct{}), make(chan any)
	for range 4 {
		go func() {
			runtime.LockOSThread()
			<-ask
			answer <- mode("escape")
			<-ask // keep the thread, so that the next question meets another one
		}()
	}
	time.Sleep(10 * time.Millisecond) // let them take their threads
	return func() any {
		var all []any
		for range 4 {
			ask <- struct{}{}
			all = append(all, <-answer)
		}
		return all
	}
}

// stray is a descriptor that the parent leaves open.
const stray = 3

func verdict(err error) string {
	var errno unix.Errno
	switch {
	case err == nil:
		return "worked"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

// work does what decoders do, for long enough that the runtime must collect
// garbage, start threads, interrupt them and give memory back.
func work() string {
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			runtime.LockOSThread()
			for i := range 8 {
				b := make([]byte, 1<<20)
				b[i] = 1
				time.Sleep(time.Millisecond)
			}
		})
	}
	wg.Wait()
	debug.FreeOSMemory()
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return fmt.Sprint(err)
	}
	return "done"
}

func hoard() any {
	var all [][]byte
	for {
		b := make([]byte, 16<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		if len(all) > 100 {
			return map[string]string{"memory": fmt.Sprint(len(all))}
		}
	}
}
