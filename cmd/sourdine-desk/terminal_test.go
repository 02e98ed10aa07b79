package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"

	"sourdine/journalist-ui/desk/desktest"
)

// typing starts a command that takes the passphrase from its standard input,
// which never ends: that is what a terminal is.
func typing(t *testing.T) (cmd *exec.Cmd, keyboard *os.File, done <-chan error) {
	t.Helper()
	home := desktest.NewHome(t)
	screen, keyboard, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close(); screen.Close() })
	cmd = exec.Command("sourdine-desk", "list", "--home", home, "--passphrase-file", "-")
	cmd.Stdin = screen
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, keyboard, ended
}

func TestPassphraseEndsWithItsLine(t *testing.T) {
	_, keyboard, done := typing(t)
	for _, part := range []string{desktest.Passphrase[:5], desktest.Passphrase[5:] + "\n"} {
		if _, err := keyboard.WriteString(part); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it still waits for the end of the file")
	}
}

// Whatever the program waits for, a second Ctrl-C ends it.
func TestSecondInterruptEnds(t *testing.T) {
	cmd, _, done := typing(t)
	untilSealed(t, cmd)
	for range 50 {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
	t.Error("it cannot be interrupted while it asks")
}

// untilSealed waits until the program is past its beginning, where a signal
// would end it anyway.
func untilSealed(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	for range 600 {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(status, []byte("Seccomp:\t2")) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("it is never sealed")
}

// What nohup(1) asked to outlive the terminal does.
func TestEndings(t *testing.T) {
	ignored := signal.Ignored(syscall.SIGHUP)
	if slices.Contains(endings(), os.Signal(syscall.SIGHUP)) == ignored {
		t.Errorf("a SIGHUP that is ignored %v: %v", ignored, endings())
	}
	signal.Ignore(syscall.SIGHUP)
	t.Cleanup(func() { // a child would inherit it
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, syscall.SIGHUP)
		signal.Stop(ended)
	})
	if slices.Contains(endings(), os.Signal(syscall.SIGHUP)) {
		t.Error("a signal that is ignored is listened for")
	}
}
