//go:build crash && linux && amd64

package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"syscall"
	"testing"

	"sourdine/deploy/crash/trace"
	"sourdine/vault/admin"
)

// An operation is one thing that a server does to its home.
type operation struct {
	name string
	// world is the home it begins with.
	world func(t testing.TB, b *bench) *world
	// prepare is done before the steps are counted.
	prepare func(*server) error
	// run does it, and returns nil only when the server said that it is done.
	run func(*server) error
	// atStart counts from the server's first instruction.
	atStart bool
	// ends is true when the program is to end by itself.
	ends bool
	// alone runs package vault in a program of this test's, not the server.
	alone bool
}

func theSeeded(_ testing.TB, b *bench) *world { return b.seeded }

func operations() []operation {
	return []operation{
		{name: "commit", run: func(s *server) error { return s.submit("commit", nil) }},
		{name: "upload", run: func(s *server) error { return s.submit("upload", random(3<<20)) }},
		{name: "second", run: func(s *server) error { return s.submit("second", random(5000)) },
			prepare: func(s *server) error { return s.submit("first", nil) }},
		{name: "delete", prepare: (*server).prepareDelete, run: (*server).applyPrepared},
		{name: "apply", prepare: (*server).prepareApply, run: (*server).applyPrepared},
		{name: "batch", run: (*server).export, prepare: (*server).prepareBatch},
		{name: "admin", run: (*server).administrate},
		{name: "compact", run: (*server).compact},
		{name: "exchange", atStart: true, ends: true, alone: true, run: (*server).awaitEnd},
		{name: "open", world: interrupted, atStart: true, run: (*server).ready},
		{name: "upgrade", world: older, atStart: true, run: (*server).ready},
		{name: "close", ends: true, run: (*server).close},
	}
}

// The return parcels of prepare are made on a copy, because the vault is in use:
// see faultAt.
func (w *world) prepared(name string) (*returned, error) {
	switch name {
	case "delete":
		return w.order(orders{deletions: []string{"new 1", "new 2", "new 3"}})
	case "apply":
		return w.order(orders{acks: []string{"new 4", "old 0"}, opened: []string{"new 5"}, replies: []string{"new 6"},
			envelopes: []string{"new 7", "new 8"}, deletions: []string{"pending 0", "old 1"}})
	}
	return nil, nil
}

func (s *server) prepareDelete() error { return s.use("delete") }
func (s *server) prepareApply() error  { return s.use("apply") }

func (s *server) use(name string) error {
	s.next = s.parcels[name]
	if s.next == nil {
		return fmt.Errorf("there is no return parcel for %s", name)
	}
	return nil
}

func (s *server) applyPrepared() error { return s.apply(s.next) }

// prepareBatch leaves something to join the log.
func (s *server) prepareBatch() error {
	return errors.Join(s.submit("batch 1", nil), s.submit("batch 2", random(10)))
}

// export lets what is pending join the log.
func (s *server) export() error {
	a, err := s.control()
	if err != nil {
		return err
	}
	defer a.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var tar bytes.Buffer
	if _, err := a.ExportParcel(ctx, &tar, admin.Export{}); err != nil {
		return err
	}
	return s.read(&tar)
}

// administrate changes rosters.
func (s *server) administrate() error {
	a, err := s.control()
	if err != nil {
		return err
	}
	defer a.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.AddChannel(ctx, "Toulouse"); err != nil {
		return err
	}
	s.channels = append(s.channels[:len(s.channels):len(s.channels)], "Toulouse")
	_, err = a.AddReviewer(ctx, "Toulouse", s.b.certificate)
	return err
}

func (s *server) compact() error {
	out, err := exec.Command(s.program, "vault", "compact", "--home", s.home).CombinedOutput()
	if err != nil {
		return &commandError{err, string(out)}
	}
	return nil
}

// A commandError is what a command said when it failed.
type commandError struct {
	err  error
	said string
}

func (e *commandError) Error() string { return e.err.Error() + ": " + e.said }

var clearWords = regexp.MustCompile(`\Aerror: [^\n]+\nhint: [^\n]+\n\z`)

// isClear tells whether it said what happened, and what to do.
func (e *commandError) isClear() bool { return clearWords.MatchString(e.said) }

// close interrupts the server.
func (s *server) close() error {
	s.visitor.Client.CloseIdleConnections()
	s.Signal(syscall.SIGTERM)
	return s.awaitEnd()
}

func (s *server) awaitEnd() error {
	end, err := s.Wait()
	if err == nil && (end.Signal != 0 || end.Exit != 0) {
		err = fmt.Errorf("the server ended with exit %d, signal %d: %s", end.Exit, end.Signal, s.output())
	}
	return err
}

// interrupted is a home whose server was killed when it had overwritten the
// first of several keys, while two uploads were arriving.
func interrupted(t testing.TB, b *bench) *world {
	t.Helper()
	at := slices.IndexFunc(b.steps["delete"], func(s trace.Step) bool { return s.File == "vault.slots" })
	w, err := b.seeded.copyTo(newFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	s := w.serve(t)
	for range 2 {
		cut := s.cutOff(t, 1<<20)
		defer cut()
	}
	if err := errors.Join(s.rest(), s.use("delete"), s.Arm(trace.Rule{At: at + 2, Mode: trace.KillBefore})); err != nil {
		t.Fatal(err)
	}
	if err := s.applyPrepared(); err == nil {
		t.Fatal("the deletion was not interrupted")
	}
	if end, err := s.kill(); err != nil || end.Hit == nil {
		t.Fatalf("%+v, %v", end, err)
	}
	return w
}
