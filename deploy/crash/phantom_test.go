//go:build crash && linux && amd64

package crash

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"sourdine/deploy/crash/trace"
)

// TestFullAtACall lets each call of a commit say that the disk is full although
// everything reached it, as file systems do that allocate late: the writes of pages,
// their sync, the write of the header, its sync. The source is told that nothing
// was received. If it is there, the server must have stopped: else its slot would
// be given to another.
func TestFullAtACall(t *testing.T) {
	if !isFull(t) {
		return // it takes a minute
	}
	seeded := seed(t)
	writes, syncs := seeded.commitCalls(t)
	var rules []trace.Rule
	for at := range writes {
		rules = append(rules, trace.Rule{At: at + 1, Only: "pwrite64"})
	}
	for at := range syncs {
		rules = append(rules, trace.Rule{At: at + 1, Only: "fdatasync"})
	}
	errnos := []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
	for i, rule := range rules {
		rule.File, rule.Mode, rule.Errno = "vault.db", trace.FailAfter, errnos[i%len(errnos)]
		t.Run(fmt.Sprintf("%s_%d_%s", rule.Only, rule.At, errnoNames[rule.Errno]), func(t *testing.T) {
			t.Parallel()
			fullAt(t, seeded, rule)
		})
	}
}

// commitCalls counts what a commit does to the vault's file.
func (w *world) commitCalls(t *testing.T) (writes, syncs int) {
	t.Helper()
	c, err := w.copyTo(newFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	s := c.serve(t)
	if err := s.submit("before", nil); err != nil { // which makes slots ready, and the mailbox
		t.Fatal(err)
	}
	err = errors.Join(s.rest(), s.Arm(trace.Rule{}), s.submit("counted", nil), s.rest())
	steps, err2 := s.Steps()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		switch {
		case step.File != "vault.db":
		case step.Call == "pwrite64":
			writes++
		case step.Call == "fdatasync":
			syncs++
		}
	}
	if _, err := s.kill(); err != nil {
		t.Fatal(err)
	}
	t.Logf("a commit makes %d writes and %d syncs", writes, syncs)
	return writes, syncs
}

func fullAt(t *testing.T, seeded *world, rule trace.Rule) {
	w, err := seeded.copyTo(newFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	s := w.serve(t)
	switch found, goesOn := s.phantom(t, rule); {
	case !goesOn:
		t.Log("the server stops")
	case found:
		t.Error("a submission is there although its source was told otherwise, and the server goes on")
		fallthrough
	case rule.Only == "fdatasync":
		for n := range 130 { // more than two pages of slots
			if err := s.submit(fmt.Sprintf("later %d", n), nil); err != nil {
				t.Fatalf("%v: %s", err, s.output())
			}
		}
	}
	if _, err := s.kill(); err != nil {
		t.Fatal(err)
	}
	if err := w.verify(); err != nil {
		t.Fatal(err)
	}
}

// phantom sends a submission under a rule, and tells whether it is there although
// its source was told otherwise.
func (s *server) phantom(t *testing.T, rule trace.Rule) (found, goesOn bool) {
	t.Helper()
	for n := range 20 { // a commit may make slots ready first, or have fewer writes
		before, err := s.recover()
		if err == nil {
			err = s.Arm(rule)
		}
		if err != nil {
			t.Fatal(err)
		}
		if s.submit(fmt.Sprintf("phantom %d", n), nil) == nil {
			continue
		}
		if s.Arm(trace.Rule{}) != nil {
			return false, false
		}
		after, err := s.recover()
		if err != nil {
			return false, false
		}
		return after.Submissions > before.Submissions, s.goesOn() == nil
	}
	t.Fatal("no commit could be made to fail")
	return false, false
}
