package preview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// process is one running worker.
type process struct {
	cmd    *exec.Cmd
	kill   context.CancelFunc
	stdin  io.WriteCloser
	stdout io.Reader
	fed    chan struct{} // closed when feed's goroutine is done; nil before feed
}

// start runs a worker with nothing of ours: no environment, the root as its
// folder, its error output nowhere.
func start(ctx context.Context, exe string, args []string) (*process, error) {
	ctx, kill := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.SysProcAttr = attributes()
	stdin, errIn := cmd.StdinPipe()
	stdout, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut); err != nil {
		kill()
		return nil, fmt.Errorf("starting the preview's worker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		kill()
		return nil, fmt.Errorf("starting the preview's worker: %w", err)
	}
	return &process{cmd: cmd, kill: kill, stdin: stdin, stdout: stdout}, nil
}

// feed begins to send the document. A worker that has seen enough stops
// reading, so a failed write is no error here; a failed read is kept in src.
func (p *process) feed(src *source) {
	p.fed = make(chan struct{})
	go func() {
		defer close(p.fed)
		defer p.stdin.Close()
		io.Copy(p.stdin, src)
	}()
}

// end kills the worker if it still runs, and waits for it and for feed.
func (p *process) end() {
	p.kill()
	p.cmd.Wait() // closes our ends of the pipes, which ends feed's writing
	if p.fed != nil {
		<-p.fed
	}
}

// source is the document on its way, and remembers how reading it failed.
type source struct {
	r    io.Reader
	size int64 // less than 0: unknown
	n    int64
	err  error
}

var errSize = errors.New("it has another size than announced")

// Read reads on, and holds the document to its size.
func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.n += int64(n)
	if s.size >= 0 && (s.n > s.size || err == io.EOF && s.n < s.size) {
		err = errSize
	}
	if err != nil && err != io.EOF {
		s.err = err
		return 0, err
	}
	return n, err
}
