//go:build crash && linux && amd64

package trace_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sourdine/deploy/crash/trace"
)

// victimEnv makes this binary the program that is traced.
const victimEnv = "SOURDINE_CRASH_VICTIM"

func TestMain(m *testing.M) {
	if trace.IsTracer() {
		trace.Main()
	}
	if dir := os.Getenv(victimEnv); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// victim writes AAAA durably, then BBBB without a sync, each from a thread of its
// own, and gives the file another name.
func victim(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, "a"), os.O_CREATE|os.O_RDWR, 0o600) // step 1
	if err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { _, err := f.WriteAt([]byte("AAAA"), 0); return err }, // 2
		f.Sync, folder.Sync, // 3, 4
		func() error { _, err := f.WriteAt([]byte("BBBB"), 0); return err },                     // 5
		func() error { return os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")) },     // 6
		func() error { _, err := os.ReadDir(os.Getenv("HOME")); _ = err; return folder.Sync() }, // 7
	}
	for _, step := range steps {
		done := make(chan error)
		go func() { done <- step() }()
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

// run runs the victim under a rule, and returns what it left: "NAME CONTENT".
func run(t *testing.T, rule trace.Rule) (left string, end trace.End, said string) {
	t.Helper()
	base := t.TempDir()
	dir := filepath.Join(base, "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv(victimEnv, dir)
	p, err := trace.Start(dir, base, rule, os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	for line := range p.Lines {
		said += line
	}
	if end, err = p.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			left += fmt.Sprintf("%s %s", name, raw)
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return left, end, said
}

// TestModes: each harm is what its name says, at the step that was meant.
func TestModes(t *testing.T) {
	for _, c := range []struct {
		rule trace.Rule
		left string
		said string
	}{
		{trace.Rule{}, "b BBBB", ""},
		{trace.Rule{Mode: trace.Untraced}, "b BBBB", ""},
		{trace.Rule{At: 1, Mode: trace.KillBefore}, "", ""},
		{trace.Rule{At: 1, Mode: trace.KillAfter}, "a ", ""},
		{trace.Rule{At: 2, Mode: trace.KillBefore}, "a ", ""},
		{trace.Rule{At: 2, Mode: trace.KillAfter}, "a AAAA", ""},
		{trace.Rule{At: 5, Mode: trace.KillBefore}, "a AAAA", ""},
		{trace.Rule{At: 5, Mode: trace.KillAfter}, "a BBBB", ""},
		{trace.Rule{At: 6, Mode: trace.KillBefore}, "a BBBB", ""},
		{trace.Rule{At: 6, Mode: trace.KillAfter}, "b BBBB", ""},
		{trace.Rule{At: 5, Mode: trace.FailBefore, Errno: syscall.EIO}, "a AAAA", "input/output error"},
		{trace.Rule{At: 5, Mode: trace.FailAfter, Errno: syscall.EIO}, "a BBBB", "input/output error"},
		{trace.Rule{At: 6, Mode: trace.FailBefore, Errno: syscall.EROFS}, "a BBBB", "read-only file system"},
		{trace.Rule{At: 6, Mode: trace.FailAfter, Errno: syscall.EROFS}, "b BBBB", "read-only file system"},
		{trace.Rule{At: 3, Mode: trace.FailBefore, Errno: syscall.ENOSPC, Ever: true}, "a AAAA", "no space left"},
	} {
		left, end, said := run(t, c.rule)
		if left != c.left || !strings.Contains(said, c.said) || (said != "") != (c.said != "") {
			t.Errorf("%+v: it left %q, not %q, and said %q", c.rule, left, c.left, said)
		}
		if harmed := c.rule.At > 0; harmed != (end.Hit != nil) || harmed && end.Hit.N != c.rule.At {
			t.Errorf("%+v: hit %v", c.rule, end.Hit)
		}
		if c.rule.Mode != trace.Untraced && c.rule.At == 0 && len(end.Steps) != 7 {
			t.Errorf("steps %v", end.Steps)
		}
	}
}

// TestCut: a power cut loses nothing that was synced, and each thing that was
// not in some of the mixtures.
func TestCut(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(24) {
		left, _, _ := run(t, trace.Rule{At: 7, Mode: trace.Cut, Seed: seed})
		seen[left]++
	}
	for left, n := range seen {
		if !strings.Contains("a AAAA, a BBBB, b AAAA, b BBBB", left) || left == "" {
			t.Errorf("%d cuts left %q", n, left)
		}
	}
	if len(seen) != 4 {
		t.Errorf("24 cuts left only %v", seen)
	}
	if left, _, _ := run(t, trace.Rule{At: 4, Mode: trace.Cut, Seed: 3}); left != "" && left != "a AAAA" {
		t.Errorf("a file that was synced, in a folder that was not: %q", left)
	}
}
