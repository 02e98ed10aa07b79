//go:build crash && linux && amd64

package trace

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// tracerEnv makes a test binary the tracer.
const tracerEnv = "SOURDINE_CRASH_TRACER"

// A Process is a program under a tracer.
type Process struct {
	// Lines is what it says on standard output and error, closed at its end.
	Lines <-chan string

	cmd     *exec.Cmd
	ask     io.WriteCloser
	answers *json.Decoder
	once    sync.Once
	end     End
	endErr  error
}

// A request is a line to the tracer; a reply is its answer.
type request struct {
	Rule *Rule `json:"rule"` // nil asks for the steps
}

type reply struct {
	Steps []Step `json:"steps"`
	End   *End   `json:"end"`
	Error string `json:"error"`
}

// Start starts a program under a tracer, which counts what it changes in folder.
// stash is a folder on the same file system, for power cuts.
func Start(folder, stash string, rule Rule, program string, args ...string) (*Process, error) {
	first, err := json.Marshal(rule)
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: exec.Command("/proc/self/exe", append([]string{folder, stash, string(first), program}, args...)...)}
	p.cmd.Env = append(os.Environ(), tracerEnv+"=1")
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	lines, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.ExtraFiles = []*os.File{theirs}
	ask, err1 := p.cmd.StdinPipe()
	answers, err2 := p.cmd.StdoutPipe()
	if err := errors.Join(err1, err2, p.cmd.Start(), theirs.Close()); err != nil {
		return nil, err
	}
	p.ask, p.answers = ask, json.NewDecoder(answers)
	said := make(chan string, 1000)
	p.Lines = said
	go func() {
		defer close(said)
		defer lines.Close()
		for scanner := bufio.NewScanner(lines); scanner.Scan(); {
			said <- scanner.Text()
		}
	}()
	return p, nil
}

// Arm begins to count anew, with another rule. The program must be at rest.
func (p *Process) Arm(r Rule) error {
	_, err := p.do(request{Rule: &r})
	return err
}

// Steps returns what was counted since the program was started, or armed.
func (p *Process) Steps() ([]Step, error) {
	r, err := p.do(request{})
	return r.Steps, err
}

func (p *Process) do(q request) (r reply, err error) {
	if err := json.NewEncoder(p.ask).Encode(q); err != nil {
		return r, err
	}
	if err := p.answers.Decode(&r); err != nil {
		return r, err
	}
	if r.End != nil {
		p.once.Do(func() { p.end, p.endErr = *r.End, p.cmd.Wait() })
		return r, fmt.Errorf("the program has ended: %+v", *r.End)
	}
	return r, nil
}

// Wait waits for the program's end.
func (p *Process) Wait() (End, error) {
	p.once.Do(func() {
		var r reply
		for r.End == nil && p.endErr == nil {
			r = reply{}
			p.endErr = p.answers.Decode(&r)
		}
		if r.End != nil {
			p.end = *r.End
		}
		if r.Error != "" {
			p.endErr = errors.New(r.Error)
		}
		p.endErr = errors.Join(p.endErr, p.cmd.Wait())
	})
	return p.end, p.endErr
}

// Signal sends a signal to the program; to one that has ended it does nothing.
func (p *Process) Signal(s syscall.Signal) {
	_ = json.NewEncoder(p.ask).Encode(map[string]int{"signal": int(s)})
}

// IsTracer reports whether this process was started to be a tracer.
func IsTracer() bool { return os.Getenv(tracerEnv) != "" }

// Main is the tracer's: it never returns.
func Main() {
	out := json.NewEncoder(os.Stdout)
	end, err := traceProgram(out)
	r := reply{End: &end}
	if err != nil {
		r.Error = err.Error()
	}
	_ = out.Encode(r)
	os.Exit(0)
}

func traceProgram(out *json.Encoder) (End, error) {
	runtime.LockOSThread()
	os.Unsetenv(tracerEnv)
	var rule Rule
	if err := json.Unmarshal([]byte(os.Args[3]), &rule); err != nil {
		return End{}, err
	}
	t := &tracer{folder: os.Args[1], inCall: map[int]*pending{}, undo: undo{stash: os.Args[2]}}
	t.watch.Store(&watch{rule: rule})
	cmd := exec.Command(os.Args[4], os.Args[5:]...)
	lines := os.NewFile(3, "lines")
	cmd.Stdout, cmd.Stderr = lines, lines
	if err := t.start(cmd, rule.Mode != Untraced); err != nil {
		return End{}, err
	}
	lines.Close()
	var answering sync.Mutex
	go t.obey(out, &answering)
	end, err := t.run()
	answering.Lock() // until this process ends
	end.Steps = t.watch.Load().counted()
	if t.hit != nil && t.watch.Load().rule.Mode == Cut {
		var failed error
		end.Undone, failed = t.undo.cut(t.watch.Load().rule.Seed)
		err = errors.Join(err, failed)
	}
	return end, err
}

// obey answers the test until the process ends.
func (t *tracer) obey(out *json.Encoder, answering *sync.Mutex) {
	in := json.NewDecoder(os.Stdin)
	for {
		var q struct {
			request
			Signal int `json:"signal"`
		}
		if in.Decode(&q) != nil {
			t.kill() // the test is gone
			return
		}
		switch {
		case q.Signal != 0:
			_ = syscall.Kill(t.pid, syscall.Signal(q.Signal))
		case q.Rule != nil:
			t.watch.Store(&watch{rule: *q.Rule})
			answering.Lock()
			_ = out.Encode(reply{})
			answering.Unlock()
		default:
			steps := t.watch.Load().counted()
			answering.Lock()
			_ = out.Encode(reply{Steps: steps})
			answering.Unlock()
		}
	}
}
