package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"sourdine/journalist-ui/offline"
)

// Enter shuts the process in. After an error it must not touch a document:
// some of the walls may be missing.
func Enter(l Limits) error {
	if WithCgo {
		return errors.New("this program was built with cgo, which the sandbox is not made for: build it with CGO_ENABLED=0")
	}
	steps := []struct {
		what string
		do   func() error
	}{
		{"closing inherited files", closeStrays},
		{"volunteering for the kernel's memory killer", volunteer},
		{"keeping memory from dumps", offline.NoDump},
		{"readying the runtime", readyRuntime(l)},
		{"closing the file system", closeFiles},
		{"setting limits", func() error { return setLimits(l) }},
		{"filtering system calls", func() error { return runtimeOnly().Install() }},
		{"trying the walls", tryWalls},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	return nil
}

// volunteer makes the kernel end this process, and not the desk, when the
// machine runs out of memory. It comes before NoDump, which gives the file to
// root. Where /proc may not be written to, the limits below must do.
func volunteer() error {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	return nil
}

// readyRuntime makes Go's runtime do now what it does once and could not do later.
func readyRuntime(l Limits) func() error {
	return func() error {
		// Without an explicit number the runtime keeps reading the cgroup's limit from a file.
		runtime.GOMAXPROCS(2)
		// The first timer makes the poller, which needs three descriptors.
		time.Sleep(time.Nanosecond)
		// Collect garbage early enough that the hard limit below is met only by documents that deserve it.
		debug.SetMemoryLimit(int64(l.Memory - l.Memory/4))
		return nil
	}
}

// closeFiles takes away the whole file system, and with newer kernels also TCP, abstract
// unix sockets and signals to others.
func closeFiles() error {
	if abi, err := ll.LandlockGetABIVersion(); err != nil || abi < 1 {
		return errors.New("this kernel has no landlock, or it is switched off: Linux 5.13 or newer with lsm=landlock is needed")
	}
	return landlock.V11.BestEffort().Restrict()
}

func setLimits(l Limits) error {
	for _, limit := range []struct {
		what int
		max  uint64
	}{
		{unix.RLIMIT_FSIZE, 0},
		// Go reserves far more addresses than it uses, so RLIMIT_AS says little; RLIMIT_DATA counts the
		// private memory that can be written to, and runtimeOnly allows no other kind.
		{unix.RLIMIT_DATA, l.Memory},
		// Soft and hard alike: SIGXCPU could be ignored, SIGKILL cannot.
		{unix.RLIMIT_CPU, l.Seconds},
		{unix.RLIMIT_MEMLOCK, 0},
		{unix.RLIMIT_MSGQUEUE, 0},
		// No new descriptor at all; the open ones stay.
		{unix.RLIMIT_NOFILE, 0},
		// Not RLIMIT_NPROC: it counts all processes of the user, and below that number the runtime
		// could start no thread. The filter allows threads only.
	} {
		if err := unix.Setrlimit(limit.what, &unix.Rlimit{Cur: limit.max, Max: limit.max}); err != nil {
			return fmt.Errorf("limit %d: %w", limit.what, err)
		}
	}
	return nil
}

// tryWalls asks for a file and a socket. A kernel or a container that accepts
// filters and does not apply them is thereby found out.
func tryWalls() error {
	if fd, err := unix.Open("/", unix.O_RDONLY, 0); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("opening a file (descriptor %d) was not refused by the filter: %w", fd, err)
	}
	if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("making a socket (descriptor %d) was not refused by the filter: %w", fd, err)
	}
	return nil
}
