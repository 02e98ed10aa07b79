//go:build crash && linux && amd64

package crash

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sourdine/deploy/crash/trace"
	"sourdine/vault"
	"sourdine/vault/admin"
)

// failures are the ways in which a call fails: a bad sector, a full disk, a disk
// that stays full, a quota, a limit of the file's size, a disk that the kernel made
// read-only or that is broken. Each comes before the call did anything and, where
// that can be, after it did all.
var failures = []trace.Rule{
	{Mode: trace.FailBefore, Errno: syscall.EIO}, {Mode: trace.FailAfter, Errno: syscall.EIO},
	{Mode: trace.FailBefore, Errno: syscall.ENOSPC}, {Mode: trace.FailAfter, Errno: syscall.ENOSPC},
	{Mode: trace.FailBefore, Errno: syscall.ENOSPC, Ever: true},
	{Mode: trace.FailBefore, Errno: syscall.EDQUOT, Ever: true},
	{Mode: trace.FailBefore, Errno: syscall.EFBIG, Ever: true},
	{Mode: trace.FailBefore, Errno: syscall.EROFS, Ever: true},
	{Mode: trace.FailBefore, Errno: syscall.EIO, Ever: true},
}

// isRoom tells the errors of a disk that takes no more.
func isRoom(errno syscall.Errno) bool {
	return errno == syscall.ENOSPC || errno == syscall.EDQUOT || errno == syscall.EFBIG
}

// failures lists every way to fail at every step.
func (b *bench) failures() (all []fault) {
	for _, op := range b.ops {
		for _, step := range b.steps[op.name] {
			for _, rule := range failures {
				if isRoom(rule.Errno) && step.Call == "unlink" {
					continue
				}
				rule.At = step.N
				all = append(all, fault{op: op, step: step, rule: rule, begin: b.worlds[op.name]})
			}
		}
	}
	return all
}

// fail does a fault that the server must live through, or end at with a clear
// word, and returns what became of it.
func (f fault) fail(t *testing.T) (outcome string, reached bool) {
	w, err := f.begin.copyTo(newFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := w.attempt(f.op, f.rule)
	if s == nil {
		t.Fatal(err)
	}
	outcome, clear := answered(err)
	if !clear && !(f.op.atStart || f.op.ends) {
		outcome += " (unclear)"
		t.Errorf("the answer was not clear: %v: %s", err, s.output())
	}
	end := f.outlive(t, s, &outcome)
	if err := w.verify(); err != nil {
		t.Fatalf("after %s at step %s (%s): %v", f.rule.Mode, end.Hit, outcome, err)
	}
	return outcome, end.Hit != nil
}

// outlive lets the fault pass: the server goes on, or has ended, or is about to.
func (f fault) outlive(t *testing.T, s *server, outcome *string) trace.End {
	t.Helper()
	err := s.Arm(trace.Rule{})
	if err == nil {
		err = s.goesOn()
	}
	if err == nil {
		*outcome += ", goes on"
	}
	var hung *time.Timer
	if err != nil {
		hung = time.AfterFunc(farewell, func() { s.Signal(syscall.SIGABRT) })
	} else {
		s.Signal(syscall.SIGKILL)
	}
	s.visitor.Client.CloseIdleConnections()
	end, waitErr := s.Wait()
	if waitErr != nil {
		t.Fatal(waitErr)
	}
	if err == nil {
		return end
	}
	hung.Stop()
	*outcome += fmt.Sprintf(", ends with %d", end.Exit)
	if words := lastWords(end, s.lastWords()); words != nil && !f.op.ends {
		t.Errorf("%v; the fault has passed, and to the next submission it said: %v", words, err)
	}
	return end
}

// farewell is longer than a server takes to end.
const farewell = 6 * time.Second

// answered tells whether an error is one that says plainly what happened.
func answered(err error) (outcome string, clear bool) {
	var page *refusal
	switch {
	case err == nil:
		return "done", true
	case errors.As(err, &page):
		clear = page.status == 503 && strings.Contains(page.page, `<html lang="fr">`) && !strings.Contains(page.page, "Reçu")
		return fmt.Sprintf("page %d", page.status), clear
	case errors.Is(err, admin.ErrStorage), errors.Is(err, vault.ErrFailed):
		return "refused", true
	}
	var command *commandError
	return "refused", errors.As(err, &command) && command.isClear()
}

// goesOn finds out whether the server recovered by itself.
func (s *server) goesOn() error {
	a, err := s.control()
	if err != nil {
		return err
	}
	defer a.Close()
	if s.visitor.URL == "" {
		return errors.New("it never said where it is")
	}
	if s.words, err = s.visitor.Words(); err != nil {
		return err
	}
	for n := range 2 {
		if err := s.submit(fmt.Sprintf("after the fault %d", n), random(10_000)); err != nil {
			return err
		}
	}
	return nil
}

// lastWords are one line of error and perhaps one of hint.
func lastWords(end trace.End, output string) error {
	lines := strings.Split(output, "\n")
	at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "error: ") })
	if end.Signal != 0 || end.Exit == 0 || at < 0 {
		return fmt.Errorf("the server ended without a clear word, exit %d, signal %d, at %s: %s", end.Exit, end.Signal, end.Hit, output)
	}
	return nil
}

// TestFailedAtSteps lets calls fail at the steps of everything the server does:
// nothing that was acknowledged is lost, nobody is told a lie, and it recovers
// by itself or says why it ends.
func TestFailedAtSteps(t *testing.T) {
	seed := seedOf(t)
	b := newBench(t)
	all := b.failures()
	if n := kills(t) * 6 / 10; n < len(all) {
		all = draw(all, n, seed)
	}
	var outcomes outcomes
	began := time.Now()
	t.Run("at", func(t *testing.T) {
		for _, f := range all {
			t.Run(f.name(), func(t *testing.T) {
				t.Parallel()
				outcome, reached := f.fail(t)
				if reached {
					outcomes.add(f, outcome)
				}
			})
		}
	})
	outcomes.print(t, len(all), time.Since(began))
}

// outcomes counts what became of faults.
type outcomes struct {
	mu   sync.Mutex
	rows map[string]int
	n    int
}

func (o *outcomes) add(f fault, outcome string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.rows == nil {
		o.rows = map[string]int{}
	}
	ever := ""
	if f.rule.Ever {
		ever = " and on"
	}
	o.rows[fmt.Sprintf("%-10s %-9s %-20s %-6s %s%-7s %s", f.op.name, f.step.Call, f.step.File, errnoNames[f.rule.Errno], f.rule.Mode, ever, outcome)]++
	o.n++
}

func (o *outcomes) print(t *testing.T, of int, took time.Duration) {
	var lines []string
	for row, n := range o.rows {
		lines = append(lines, fmt.Sprintf("%s: %d", row, n))
	}
	slices.Sort(lines)
	t.Logf("%d failures, %d reached, in %s: %.2f/s\n%s", of, o.n, took.Round(time.Second), float64(of)/took.Seconds(), strings.Join(lines, "\n"))
	if of == 0 || o.n < of*9/10 {
		t.Errorf("of %d failures only %d were reached", of, o.n)
	}
}
