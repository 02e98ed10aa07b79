//go:build crash && linux && amd64

package crash

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sourdine/deploy/crash/trace"
	"sourdine/vault"
)

// TestSlotsFail lets every write to the slots file fail while a reviewer's order is
// applied. The reviewer and the admin are told that keys are not overwritten yet;
// a server that is started on such a disk serves; and as soon as the disk is well
// the keys go, without anybody's doing.
func TestSlotsFail(t *testing.T) {
	t.Parallel() // it waits for the server's own time
	w := seed(t)
	p, err := w.prepared("delete")
	if err != nil {
		t.Fatal(err)
	}
	w.parcels = map[string]*returned{"delete": p}
	sick := trace.Rule{At: 1, File: "vault.slots", Mode: trace.FailBefore, Errno: syscall.EIO, Ever: true}
	s := w.serve(t)
	if err := errors.Join(s.use("delete"), s.Arm(sick)); err != nil {
		t.Fatal(err)
	}
	if err := s.applyPrepared(); !errors.Is(err, vault.ErrNotOverwritten) {
		t.Fatalf("the reviewer is told: %v", err)
	}
	if n := w.keysOf(t, s.next.deletions); n != len(s.next.deletions) {
		t.Fatalf("of %d keys %d are there: the test tests nothing", len(s.next.deletions), n)
	}
	deleted := s.next.deletions
	if !unfinished(t, w) {
		t.Error("status does not say that keys are not overwritten")
	}
	if _, err := s.kill(); err != nil {
		t.Fatal(err)
	}

	if s, err = w.launch(sick); err == nil {
		err = s.ready()
	}
	if err != nil {
		t.Fatalf("a server does not start while the slots file cannot be written: %v", err)
	}
	if !unfinished(t, w) {
		t.Error("started anew, status does not say that keys are not overwritten")
	}
	if err := s.Arm(trace.Rule{}); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); unfinished(t, w); time.Sleep(300 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("nobody overwrites the keys")
		}
	}
	if n := w.keysOf(t, deleted); n > 0 {
		t.Errorf("%d keys are still there", n)
	}
	if err := s.submit("goes on", random(1000)); err != nil {
		t.Error(err)
	}
	if _, err := s.kill(); err != nil {
		t.Fatal(err)
	}
	if err := w.verify(); err != nil {
		t.Fatal(err)
	}
}

// keysOf counts the wrapping keys of submissions that are in the slots file.
func (w *world) keysOf(t *testing.T, ids []vault.ID) (n int) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.home, "vault.slots"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range w.keys {
		if slices.Contains(ids, k.id) && bytes.Contains(raw, k.key) {
			n++
		}
	}
	return n
}

func unfinished(t *testing.T, w *world) bool {
	t.Helper()
	status, err := w.recover()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(status.Problems, func(p string) bool { return strings.Contains(p, "could not be overwritten yet") })
}

// TestRestartedAtOnce starts a server right after the one before it was killed, and
// while it is still ending.
func TestRestartedAtOnce(t *testing.T) {
	t.Parallel()
	w := seed(t)
	s := w.serveUntraced(t)
	for round := range 6 {
		if err := s.submit(fmt.Sprint("restarted ", round), random(2<<20)); err != nil {
			t.Fatal(err)
		}
		signal := syscall.SIGKILL
		if round%2 == 0 {
			signal = syscall.SIGTERM
		}
		s.visitor.Client.CloseIdleConnections()
		s.Signal(signal)
		next := w.serveUntraced(t)
		if _, err := s.Wait(); err != nil {
			t.Fatal(err)
		}
		s = next
	}
	s.stop(t)
	if err := w.verify(); err != nil {
		t.Fatal(err)
	}
}
