//go:build crash && linux && amd64

package crash

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sourdine/deploy/crash/trace"
	"sourdine/vault/admin"
	"sourdine/vault/vaulttest"
)

// A command is one that works on a home which nobody serves, in a folder of its own.
type command struct {
	name string
	// begin prepares the folder. The world's home is dir/home, there or not.
	begin func(dir string) (*world, error)
	args  []string // {DIR} stands for the folder
	// check holds what is left against what may be. The command has ended well, or not.
	check func(w *world, done bool) error
}

func (c command) argsIn(dir string) []string {
	args := make([]string, len(c.args))
	for i, arg := range c.args {
		args[i] = strings.ReplaceAll(arg, "{DIR}", dir)
	}
	return args
}

// commandsOf are the admin's, on copies of a seeded world.
func commandsOf(t *testing.T, seeded *world) []command {
	t.Helper()
	kit := newFolder(t)
	to, sealed, tar := filepath.Join(kit, "admin.pgp"), filepath.Join(kit, "backup.pgp"), filepath.Join(kit, "backup.tar")
	if err := os.WriteFile(to, seeded.a.certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	seeded.must(t, "backup", "--to", to, "-o", sealed)
	plain, err := seeded.opened(sealed)
	if err := errors.Join(err, os.WriteFile(tar, plain, 0o600)); err != nil {
		t.Fatal(err)
	}
	empty := func(dir string) (*world, error) {
		return &world{ledger: newLedger(), program: seeded.program, home: filepath.Join(dir, "home")}, nil
	}
	nothing := func(dir string) (*world, error) {
		w := *seeded
		w.ledger, w.home = seeded.clone(), filepath.Join(dir, "home")
		return &w, nil
	}
	inFolder := func(begin func(string) (*world, error)) func(string) (*world, error) {
		return func(dir string) (*world, error) {
			w, err := begin(dir)
			return w, errors.Join(err, os.Mkdir(w.home, 0o700))
		}
	}
	older := func(dir string) (*world, error) {
		w, err := seeded.copyTo(dir)
		return w, errors.Join(err, os.Link(sealed, filepath.Join(dir, "backup.pgp")))
	}
	restored := func(w *world, done bool) error { return w.restoredOrNone(done, tar) }
	initArgs := []string{"init", "--home", "{DIR}/home"}
	backupArgs := []string{"backup", "--home", "{DIR}/home", "--to", to, "-o", "{DIR}/backup.pgp"}
	restoreArgs := []string{"restore", "--home", "{DIR}/home", tar}
	return []command{
		{"init", empty, initArgs, (*world).wholeOrNone},
		{"init in a folder", inFolder(empty), initArgs, (*world).wholeOrNone},
		{"backup", seeded.copyTo, backupArgs, func(w *world, done bool) error { return w.backedUp(done) }},
		{"backup again", older, backupArgs, func(w *world, _ bool) error { return w.backedUp(true) }},
		{"restore", nothing, restoreArgs, restored},
		{"restore in a folder", inFolder(nothing), restoreArgs, restored},
		{"repair", seeded.copyScratched, []string{"vault", "verify", "--repair", "--home", "{DIR}/home"}, (*world).repaired},
	}
}

// opened opens a backup, all of it.
func (w *world) opened(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return w.a.Open(nil, f)
}

// backedUp finds the home as it was, and under the backup's name one that opens to
// its end, or nothing.
func (w *world) backedUp(must bool) error {
	plain, err := w.opened(filepath.Join(filepath.Dir(w.home), "backup.pgp"))
	switch {
	case errors.Is(err, os.ErrNotExist) && !must:
	case err != nil:
		return fmt.Errorf("under the backup's name: %w", err)
	case !bytes.Contains(plain, []byte(`"log_root"`)): // of its manifest, which comes last
		return errors.New("under the backup's name is something else")
	}
	return w.verify()
}

// exists tells whether there is a home, whole or not.
func (w *world) exists() (bool, error) {
	_, err := admin.OpenHome(w.home)
	if errors.Is(err, admin.ErrNoHome) {
		return false, nil
	}
	return err == nil, err
}

// wholeOrNone finds a new home that works, or none; then the next init makes it.
func (w *world) wholeOrNone(done bool) error {
	there, err := w.exists()
	if err != nil || done && !there {
		return fmt.Errorf("done: %v, there: %v, %w", done, there, err)
	}
	if !there {
		if err := w.runs("init", "--home", w.home); err != nil {
			return err
		}
	}
	status, err := w.recover()
	if err != nil {
		return err
	}
	if len(status.Problems) != 1 || !strings.HasPrefix(status.Problems[0], "there is no channel yet") {
		return fmt.Errorf("a new home has the problems %q", status.Problems)
	}
	return errors.Join(w.checkFiles(), w.runs("vault", "verify", "--home", w.home))
}

// restoredOrNone finds the home that was backed up, or none; then the next restore
// makes it.
func (w *world) restoredOrNone(done bool, tar string) error {
	there, err := w.exists()
	if err != nil || done && !there {
		return fmt.Errorf("done: %v, there: %v, %w", done, there, err)
	}
	if !there {
		if err := w.runs("restore", "--home", w.home, tar); err != nil {
			return err
		}
	}
	return w.verify()
}

// repaired repairs again.
func (w *world) repaired(bool) error {
	return errors.Join(w.runs("vault", "verify", "--repair", "--home", w.home), w.verify())
}

func (w *world) runs(args ...string) error {
	if out, err := exec.Command(w.program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%q: %w: %s", args, err, out)
	}
	return nil
}

// copyScratched is the seeded home with a damaged copy of a key in use, which can be
// mended from the other.
func (w *world) copyScratched(dir string) (*world, error) {
	c, err := w.copyTo(dir)
	if err != nil {
		return nil, err
	}
	now, _, err := c.slotsNow()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(c.home, "vault.slots"), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	for slot := range now {
		at := 8192 + int64(slot/64)*8192 + int64(slot%64)*64
		_, err = f.WriteAt([]byte("scratch"), at)
		break
	}
	return c, errors.Join(err, f.Close())
}

// try runs the command under a rule, in a new folder.
func (c command) try(t *testing.T, rule trace.Rule) (w *world, end trace.End, said string) {
	t.Helper()
	dir := newFolder(t)
	w, err := c.begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	process, err := trace.Start(dir, newFolder(t), rule, w.program, c.argsIn(dir)...)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range process.Lines {
		lines = append(lines, line)
	}
	if end, err = process.Wait(); err != nil {
		t.Fatal(err)
	}
	return w, end, strings.Join(lines, "\n")
}

// randomName is that of what is being built.
var randomName = regexp.MustCompile(`(\.sourdine-[a-z]+-)[0-9]+`)

// faults lists every way to die at every step of a command, and some to fail.
func (c command) faults(t *testing.T, seed uint64) (all []fault) {
	t.Helper()
	w, end, said := c.try(t, trace.Rule{})
	if end.Exit != 0 || end.Signal != 0 || len(end.Steps) == 0 {
		t.Fatalf("%s, without a fault: %+v: %s", c.name, end, said)
	}
	if err := c.check(w, true); err != nil {
		t.Fatalf("%s, without a fault: %v", c.name, err)
	}
	t.Logf("%-20s %d steps", c.name, len(end.Steps))
	for _, step := range end.Steps {
		step.File = randomName.ReplaceAllString(step.File, "$1*")
		f := fault{op: operation{name: c.name}, step: step}
		for _, mode := range killModes(step) {
			f.rule = trace.Rule{At: step.N, Mode: mode}
			f.rule.Seed = seedFor(seed, f.name())
			all = append(all, f)
		}
		for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
			f.rule = trace.Rule{At: step.N, Mode: trace.FailBefore, Errno: errno, Ever: errno == syscall.ENOSPC}
			all = append(all, f)
		}
	}
	return all
}

// TestKilledCommands kills what an admin runs on a home that nobody serves: a home
// that is made or restored is whole or none, a backup too, and what was there is
// unharmed.
func TestKilledCommands(t *testing.T) {
	seeded, number := seed(t), seedOf(t)
	commands := map[string]command{}
	var all []fault
	for _, c := range commandsOf(t, seeded) {
		commands[c.name] = c
		all = append(all, c.faults(t, number)...)
	}
	// Not all, even at night: a backup alone has a thousand writes like each other.
	all = draw(all, kills(t)*3/10, number)
	var table table
	began := time.Now()
	t.Run("at", func(t *testing.T) {
		for _, f := range all {
			t.Run(f.name(), func(t *testing.T) {
				t.Parallel()
				w, end, said := commands[f.op.name].try(t, f.rule)
				if isKill := f.rule.Errno == 0; end.Hit != nil && isKill != (end.Signal == int(syscall.SIGKILL)) {
					t.Errorf("it ended with %+v: %s", end, said)
				}
				if end.Exit != 0 && !strings.Contains(said, "error: ") {
					t.Errorf("it failed without a word: %s", said)
				}
				done := end.Signal == 0 && end.Exit == 0
				if err := commands[f.op.name].check(w, done); err != nil {
					t.Fatalf("after %s at step %s, %d changes undone (%s): %v", f.rule.Mode, end.Hit, end.Undone, said, err)
				}
				table.add(f, end.Hit != nil, end.Undone)
			})
		}
	})
	table.print(t, time.Since(began), trace.KillBefore, trace.KillAfter, trace.KillTorn, trace.Cut, trace.FailBefore)
}

// TestVerifyChangesNothing: whatever interrupts it, it has not touched the home.
func TestVerifyChangesNothing(t *testing.T) {
	seeded := seed(t)
	c := command{"verify", seeded.copyTo, []string{"vault", "verify", "--home", "{DIR}/home"}, nil}
	w, end, said := c.try(t, trace.Rule{})
	if end.Exit != 0 || end.Signal != 0 || len(end.Steps) != 0 {
		t.Errorf("%+v: %s", end, said)
	}
	if err := errors.Join(vaulttest.Check(w.vaultPath()), w.verify()); err != nil {
		t.Error(err)
	}
}
