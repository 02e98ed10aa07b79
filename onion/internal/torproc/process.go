package torproc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Names of the files in a tor's folder.
const (
	torrcFile   = "torrc"
	logFile     = "notices.log"
	consoleFile = "console.log"
)

// Spec says which tor to run.
type Spec struct {
	Name   string   // how errors call it
	Binary string   // path, from Find
	Dir    string   // its private folder: torrc, logs, state; made with mode 0700
	Torrc  []string // lines in addition to those that every tor of ours has
}

// Process is a running tor, or one that has ended.
type Process struct {
	spec Spec
	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; read it after done is closed
}

// Start runs a tor. It returns as soon as the process exists; that its
// configuration was refused shows by Done closing soon after.
func Start(spec Spec) (*Process, error) {
	if err := os.MkdirAll(spec.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	if err := writeTorrc(spec.Dir, spec.Torrc); err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	console, err := os.OpenFile(filepath.Join(spec.Dir, consoleFile), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	defer console.Close()
	p := &Process{spec: spec, done: make(chan struct{})}
	p.cmd = exec.Command(spec.Binary, "--defaults-torrc", os.DevNull, "-f", filepath.Join(spec.Dir, torrcFile))
	p.cmd.Dir = spec.Dir
	// Our environment may hold secrets, and tor needs none of it.
	p.cmd.Env = []string{"HOME=" + spec.Dir, "PATH=" + os.Getenv("PATH")}
	p.cmd.Stdout, p.cmd.Stderr = console, console
	p.cmd.SysProcAttr = ownedChild()
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}
	return p, nil
}

// run starts the child and waits for it on one locked thread: the kernel's
// parent-death signal is sent when the thread that forked ends, not when the
// process does.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	p.err = p.cmd.Wait()
	close(p.done)
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Dir returns the folder of the process.
func (p *Process) Dir() string { return p.spec.Dir }

// Reload replaces the configuration and has the running tor read it.
func (p *Process) Reload(torrc []string) error {
	if err := writeTorrc(p.spec.Dir, torrc); err != nil {
		return fmt.Errorf("reloading %s: %w", p.spec.Name, err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("reloading %s: %w", p.spec.Name, err)
	}
	return nil
}

// Stop ends the process and waits until it is gone: politely first, by force
// after grace. Stopping it twice is no error.
func (p *Process) Stop(grace time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(grace):
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

func (p *Process) signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", p.spec.Name, err)
	}
	return nil
}

// Failure describes a process that ended by itself: which, how, and what it
// last complained about. Call it after Done is closed.
func (p *Process) Failure() error {
	how := "exit status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("%s ended (%s)%w", p.spec.Name, how, p.Complaint())
}

// Complaint is what the tor last wrote to its logs, as an error to wrap.
func (p *Process) Complaint() error {
	return complaint(filepath.Join(p.spec.Dir, consoleFile), filepath.Join(p.spec.Dir, logFile))
}
