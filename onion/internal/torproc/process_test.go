package torproc

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ownerDir, when set, makes this test program the owner of a child in that
// folder, to be killed by the test that started it.
const ownerDir = "SOURDINE_TEST_OWNER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerDir); dir != "" {
		p, err := Start(Spec{Name: "tor", Binary: filepath.Join(dir, "program"), Dir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(p.cmd.Process.Pid)
		<-p.Done()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program writes a shell script to stand in for tor, whose processes are all
// that this package cares about.
func program(t *testing.T, dir, script string) string {
	t.Helper()
	path := filepath.Join(dir, "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func start(t *testing.T, script string, torrc ...string) *Process {
	t.Helper()
	dir := t.TempDir()
	p, err := Start(Spec{Name: "relay7", Binary: program(t, dir, script), Dir: filepath.Join(dir, "data"), Torrc: torrc})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(0); err != nil {
			t.Error(err)
		}
	})
	return p
}

func waitDone(t *testing.T, p *Process) {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the process does not end")
	}
}

func TestFailureNamesProcessAndReason(t *testing.T) {
	p := start(t, `for i in 1 2 3 4 5 6 7; do echo "[warn] Could not bind $i"; done; echo "[warn] You are running Tor as root"; exit 3`)
	waitDone(t, p)
	text := p.Failure().Error()
	for _, want := range []string{"relay7", "exit status 3", "Could not bind 7", "Could not bind 3"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	for _, not := range []string{"bind 2", "root"} {
		if strings.Contains(text, not) {
			t.Errorf("%q has %q", text, not)
		}
	}
}

func TestStopPolitelyThenByForce(t *testing.T) {
	polite := start(t, `trap 'exit 0' TERM; while :; do sleep 0.05; done`)
	began := time.Now()
	if err := polite.Stop(10 * time.Second); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("polite: %v after %v", err, time.Since(began))
	}
	stubborn := start(t, `trap '' TERM; echo ready; while :; do sleep 0.05; done`)
	for len(tail(filepath.Join(stubborn.Dir(), consoleFile))[0]) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if err := stubborn.Stop(100 * time.Millisecond); err != nil {
		t.Error(err)
	}
	for _, p := range []*Process{polite, stubborn} {
		waitDone(t, p)
		if err := p.Stop(time.Second); err != nil {
			t.Errorf("stopping twice: %v", err)
		}
	}
}

func TestStartOfNothing(t *testing.T) {
	_, err := Start(Spec{Name: "relay7", Binary: filepath.Join(t.TempDir(), "none"), Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "relay7") {
		t.Errorf("err = %v", err)
	}
}

func TestTorrcTakesNoSecondOption(t *testing.T) {
	for _, line := range []string{"Nickname a\nSocksPort 9050", "Nickname a\r", "Nickname\x00"} {
		if _, err := Start(Spec{Name: "x", Binary: "/bin/true", Dir: t.TempDir(), Torrc: []string{line}}); err == nil {
			t.Errorf("%q: accepted", line)
		}
	}
}

func TestTorrcIsPrivateAndOurs(t *testing.T) {
	p := start(t, "sleep 30", "SocksPort 0")
	info, err := os.Stat(filepath.Join(p.Dir(), torrcFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("torrc: %v %v", info, err)
	}
	dir, err := os.Stat(p.Dir())
	if err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", dir, err)
	}
	text, err := os.ReadFile(filepath.Join(p.Dir(), torrcFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"SafeLogging 1", "HeartbeatPeriod 0", "SocksPort 0", fmt.Sprintf("__OwningControllerProcess %d", os.Getpid())} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("torrc lacks %q", line)
		}
	}
}

// Promise: no child outlives its owner, and the terminal's Ctrl-C, which goes
// to the owner's process group, does not reach it.
func TestChildDiesWithOwner(t *testing.T) {
	dir := t.TempDir()
	program(t, dir, "trap '' TERM INT HUP; while :; do sleep 0.05; done")
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerDir+"="+dir)
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("owner said %q", line)
	}
	group, err := syscall.Getpgid(child)
	if err != nil || group != child {
		t.Errorf("child is in process group %d (%v), want its own", group, err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it was killed
	for range 200 {
		if !alive(child) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = syscall.Kill(child, syscall.SIGKILL)
	t.Error("the child is alive two seconds after its owner was killed")
}

// alive reports whether pid runs; a zombie that nobody reaps does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
