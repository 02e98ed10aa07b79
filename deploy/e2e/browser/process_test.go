package browser

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newProfile(t *testing.T) profile {
	t.Helper()
	p, err := openProfile("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestStopReachesEveryChild(t *testing.T) {
	p := newProfile(t)
	proc, err := startProcess(p, "sh", nil, "/bin/sh", "-c",
		`sleep 1000 & setsid sleep 1000 & (setsid sh -c 'sleep 1000; :' &) ; sleep 0.2; echo up > up; wait`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proc.waitFile(t.Context(), filepath.Join(p.dir, "up")); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := proc.stop(); err != nil {
		t.Fatal(err)
	}
	if marked(p.mark()) {
		t.Error("a process was left")
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	if err := proc.stop(); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
}

func TestStartFailuresSayWhy(t *testing.T) {
	p := newProfile(t)
	if _, err := startProcess(p, "firefox-esr", nil, "/nonexistent/firefox"); err == nil ||
		!strings.Contains(err.Error(), "apt-get install firefox-esr") {
		t.Errorf("absent program: %v", err)
	}
	if _, err := startProcess(p, "x", nil, p.dir); err == nil {
		t.Error("a folder was started")
	}
	proc, err := startProcess(p, "sh", nil, "/bin/sh", "-c", "echo cannot open display >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proc.waitFile(t.Context(), filepath.Join(p.dir, "port")); err == nil ||
		!strings.Contains(err.Error(), "cannot open display") {
		t.Errorf("program that ends: %v", err)
	}
	proc, err = startProcess(p, "sh", nil, "/bin/sh", "-c", "sleep 1000")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := proc.waitFile(ctx, filepath.Join(p.dir, "port")); err == nil {
		t.Error("a program that says nothing was taken for ready")
	}
	if err := proc.stop(); err != nil {
		t.Error(err)
	}
}

func TestKilledTestLeavesNoProcess(t *testing.T) {
	if os.Getenv("BROWSER_TEST_CHILD") != "" {
		p := newProfile(t)
		if _, err := startProcess(p, "sleep", nil, "/bin/sleep", "1000"); err != nil {
			t.Fatal(err)
		}
		fmt.Println(p.mark())
		select {} // until killed
	}
	child := exec.Command(os.Args[0], "-test.run=^TestKilledTestLeavesNoProcess$")
	child.Env = append(os.Environ(), "BROWSER_TEST_CHILD=1", "TMPDIR="+t.TempDir())
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	mark, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Error(err)
	}
	if !marked(strings.TrimSpace(mark)) {
		t.Error("the search for the process is blind")
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	for range 100 {
		if !marked(strings.TrimSpace(mark)) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the process outlives the test that started it")
}

// marked reports whether a process has the line mark in its environment.
func marked(mark string) bool {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		if env, err := os.ReadFile(path); err == nil && strings.Contains(string(env), mark+"\x00") {
			return true
		}
	}
	return false
}
