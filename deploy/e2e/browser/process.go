package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const pollEvery = 20 * time.Millisecond

// A process is a browser in a process group of its own.
type process struct {
	cmd  *exec.Cmd
	log  string
	mark string        // a line that only its environment has
	done chan struct{} // closed when the leader is reaped and its group was killed
}

// startProcess runs a program in p's folder with its output in a file there, and
// extra as its file descriptors from 3. A missing program is an error that says
// which Debian package has it.
func startProcess(p profile, debianPackage string, extra []*os.File, path string, args ...string) (*process, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w (install it: apt-get install %s)", err, debianPackage)
	}
	proc := &process{log: filepath.Join(p.own, "browser.log"), mark: p.mark(), done: make(chan struct{})}
	out, err := os.Create(proc.log)
	if err != nil {
		return nil, fmt.Errorf("making the browser's log: %w", err)
	}
	defer out.Close()
	proc.cmd = exec.Command(path, args...)
	proc.cmd.Dir, proc.cmd.Env = p.dir, p.env()
	proc.cmd.Stdout, proc.cmd.Stderr, proc.cmd.ExtraFiles = out, out, extra
	proc.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go proc.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	return proc, nil
}

// run owns the process until its end, on a thread that lives as long: the kernel
// sends Pdeathsig when the *thread* that forked ends (prctl(2)).
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	pid := p.cmd.Process.Pid
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	// The leader is dead but not reaped: its number cannot belong to others yet.
	_ = unix.Kill(-pid, unix.SIGKILL)
	_ = p.cmd.Wait()
}

// stop kills the group and whatever left it, and returns when none of it runs.
func (p *process) stop() error {
	_ = p.cmd.Process.Kill()
	<-p.done
	for range 250 {
		if !p.killRest() {
			return nil
		}
		time.Sleep(pollEvery)
	}
	return fmt.Errorf("processes of browser %d do not end", p.cmd.Process.Pid)
}

// killRest kills what is left of the browser, and reports whether there was any.
func (p *process) killRest() (found bool) {
	paths, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range paths {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil || pid == os.Getpid() {
			continue
		}
		handle, err := unix.PidfdOpen(pid, 0) // before looking: the number may change hands
		if err != nil {
			continue
		}
		if p.owns(path) {
			found = true
			_ = unix.PidfdSendSignal(handle, unix.SIGKILL, nil, 0)
		}
		unix.Close(handle)
	}
	return found
}

// owns tells the browser's processes by their group or, since Chromium's crash
// handlers leave it, by the line that only their environment has (Chromium's other
// processes overwrite theirs). A process that is dead but not reaped does not
// count: in a container nobody may ever reap it.
func (p *process) owns(path string) bool {
	stat, _ := os.ReadFile(filepath.Join(path, "stat"))
	// "pid (name) state ppid pgrp …", where the name may hold anything (proc_pid_stat(5)).
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 3 || fields[0] == "Z" || fields[0] == "X" {
		return false
	}
	env, _ := os.ReadFile(filepath.Join(path, "environ"))
	return fields[2] == strconv.Itoa(p.cmd.Process.Pid) || slices.Contains(strings.Split(string(env), "\x00"), p.mark)
}

// waitFile waits until the browser has written a line into a file, and returns
// the file's text.
func (p *process) waitFile(ctx context.Context, path string) (string, error) {
	for {
		if text, err := os.ReadFile(path); err == nil && len(text) > 0 {
			return string(text), nil
		}
		select {
		case <-ctx.Done():
			return "", p.explain(fmt.Errorf("waiting for the browser to start: %w", ctx.Err()))
		case <-p.done:
			return "", p.explain(errors.New("the browser ended while it started"))
		case <-time.After(pollEvery):
		}
	}
}

// explain adds the end of what the browser printed to err.
func (p *process) explain(err error) error {
	text, readErr := os.ReadFile(p.log)
	if err == nil || readErr != nil {
		return err
	}
	if len(text) > 1000 {
		text = text[len(text)-1000:]
	}
	return fmt.Errorf("%w; it printed: %q", err, text)
}
