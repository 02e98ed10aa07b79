package preview

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"sourdine/journalist-ui/offline"
	"sourdine/journalist-ui/preview/internal/answer"
	"sourdine/journalist-ui/preview/sandbox"
)

// TestMain makes this program its own worker, as the desk is, and plays the
// parts that no honest worker plays.
func TestMain(m *testing.M) {
	if sandbox.WithCgo {
		fmt.Println("--- SKIP: all of this package: the sandbox is not made for cgo; run make quick, or set CGO_ENABLED=0")
		os.Exit(0)
	}
	if len(os.Args) < 2 || strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(m.Run())
	}
	switch role := os.Args[1]; role {
	case "preview-worker":
		os.Exit(RunWorker())
	case "desk":
		os.Exit(desk(os.Args[2] == "sealed"))
	default:
		os.Exit(puppet(role))
	}
}

// desk does what the real one does: seal, then preview what comes on stdin.
func desk(sealed bool) int {
	if sealed {
		if err := offline.Seal(); err != nil {
			panic(err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	res, err := New(exe, "preview-worker").Render(context.Background(), os.Stdin, -1)
	report := struct {
		Result Result
		Err    string
	}{res, ""}
	if err != nil {
		report.Err = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		return 1
	}
	return 0
}

// puppet is a worker that a document has taken over: shut in, and then not
// saying what it should.
func puppet(role string) int {
	out := io.Writer(os.Stdout)
	if role == "silent" {
		time.Sleep(time.Hour)
	}
	if role == "gone" {
		return 1
	}
	if role == "usage" {
		fmt.Println("usage: sourdine-desk COMMAND")
		return 2
	}
	if role == "no sandbox" {
		answer.Ready(out, fmt.Errorf("no landlock"))
		return exitNoSandbox
	}
	if err := sandbox.Enter(workerLimits()); err != nil {
		panic(err)
	}
	answer.Ready(out, nil)
	if role == "deaf" { // never reads
		time.Sleep(time.Hour)
	}
	n, _ := io.Copy(io.Discard, os.Stdin)
	switch role {
	case "hang":
		for time.Now().After(time.Time{}) {
		}
	case "die":
		panic("over")
	case "say nothing":
	case "garbage":
		io.WriteString(out, "\x00\x01garbage")
	case "half":
		io.WriteString(out, "t\x00\x0atext/plain\x00\x00\x00\x10half")
	case "flood":
		io.WriteString(out, "t\x00\x0atext/plain\x00\x00\x00\x01a")
		for {
			if _, err := out.Write(make([]byte, 1<<16)); err != nil {
				return 1
			}
		}
	case "linger": // a good answer, and then no end
		answer.Write(out, answer.Answer{Kind: answer.Other, MediaType: "a/b"})
		time.Sleep(time.Hour)
	case "markup":
		io.WriteString(out, "t\x00\x11text/html<script\x00\x00\x00\x01a")
	case "huge picture":
		io.WriteString(out, "i\x00\x09image/png\x00\x01\x7f\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff")
	case "escape":
		answer.Write(out, answer.Answer{Kind: answer.Text, MediaType: "text/plain", Text: strings.Join(escapes(n), "\n")})
	}
	return 0
}

// escapes tries what the sandbox's own test tries at length, from a worker that Render started,
// and returns what worked.
func escapes(read int64) (worked []string) {
	for what, f := range map[string]func() error{
		"read a file":    func() error { _, err := os.ReadFile("/etc/passwd"); return err },
		"write a file":   func() error { return os.WriteFile("/tmp/sourdine-preview-escaped", nil, 0o600) },
		"dial":           func() error { _, err := net.DialTimeout("tcp", "127.0.0.1:9", time.Second); return notRefused(err) },
		"run a program":  func() error { return exec.Command("/bin/true").Run() },
		"an environment": func() error { return empty(os.Environ()) },
		"a parent":       func() error { return syscall.Kill(os.Getppid(), 0) },
		"no document":    func() error { return empty(make([]string, max(0, 1-read))) },
	} {
		if f() == nil {
			worked = append(worked, what)
		}
	}
	return worked
}

// notRefused turns an error of the far end into success: the dial got out.
func notRefused(err error) error {
	if err != nil && strings.Contains(err.Error(), "connection refused") {
		return nil
	}
	return err
}

func empty(s []string) error {
	if len(s) == 0 {
		return fmt.Errorf("empty")
	}
	return nil
}
