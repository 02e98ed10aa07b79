// Package program runs the real programs for end-to-end tests and benchmarks:
// it builds them once, starts a server on a home of the test's own, submits
// like a browser, and stops by process id what it started.
//
// It is imported by tests only.
package program

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sourdine/vault/admin"
	"sourdine/vault/vaulttest"
)

// Channel is the channel that StartServer opens.
const Channel = "Nice"

// startPatience is how long a program may take to say that it can be reached.
const startPatience = 30 * time.Second

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sourdine-bin-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the desk runs as another user
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir, "sourdine/cmd/sourdine", "sourdine/cmd/sourdine-desk")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("failed to build the programs: %w: %s", err, out)
	}
	return dir, nil
})

// Path returns the path of a program.
func Path(t testing.TB, name string) string {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// Main builds the programs, runs the tests and deletes what was built: for
// TestMain. (Built on demand, they would land in the temporary folder of the
// test that asks first.)
func Main(m *testing.M) int {
	dir, err := build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	return m.Run()
}

// Run runs a program to its end and returns its standard output; it fails the
// test when the exit code is another.
func Run(t testing.TB, wantCode int, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(Path(t, name), args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != wantCode {
		t.Fatalf("%s %s: exit code %d, want %d (%v)\n%s", name, strings.Join(args, " "), code, wantCode, err, errOut.String())
	}
	return out.String()
}

// A Server is a running sourdine serve.
type Server struct {
	Visitor // on loopback
	Home    string
	Key     vaulttest.Key // of the reviewer, when StartServer made one

	cmd    *exec.Cmd
	done   chan struct{}
	mu     sync.Mutex
	lines  map[string]string
	output bytes.Buffer
}

// StartServer makes a home with one channel and one reviewer and serves it on
// loopback, with more flags if given. It is stopped when the test ends.
func StartServer(t testing.TB, flags ...string) *Server {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	Run(t, 0, "sourdine", "init", "--home", home)
	Run(t, 0, "sourdine", "channel", "add", "--home", home, Channel)
	key := vaulttest.NewKey(t, vaulttest.PostQuantum)
	card := filepath.Join(t.TempDir(), "card")
	if err := os.WriteFile(card, key.Certificate(t), 0o600); err != nil {
		t.Fatal(err)
	}
	Run(t, 0, "sourdine", "reviewer", "add", "--home", home, "--channel", Channel, card)
	s := Serve(t, home, flags...)
	s.Key = key
	return s
}

// Serve serves a home that exists.
func Serve(t testing.TB, home string, flags ...string) *Server {
	t.Helper()
	args := append([]string{"serve", "--home", home, "--listen", "127.0.0.1:0"}, flags...)
	s := &Server{Home: home, Visitor: Visitor{Client: http.DefaultClient}, done: make(chan struct{}), lines: map[string]string{}}
	s.cmd = exec.Command(Path(t, "sourdine"), args...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = &lockedBuffer{s: s}
	started := make(chan error)
	go func() {
		// The kernel sends the death signal when the thread that forked ends,
		// so the thread is kept as long as the server.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			s.read(bufio.NewScanner(out))
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(t) })
	s.URL = strings.TrimSuffix(s.Line(t, "source", startPatience), "/")
	return s
}

// read keeps what the server says until its output ends.
func (s *Server) read(lines *bufio.Scanner) {
	defer close(s.done)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		s.mu.Lock()
		s.lines[name] = value
		fmt.Fprintln(&s.output, lines.Text())
		s.mu.Unlock()
	}
}

// lockedBuffer takes the server's standard error.
type lockedBuffer struct{ s *Server }

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	return b.s.output.Write(p)
}

// Line waits until the server has said "name value" and returns the value.
func (s *Server) Line(t testing.TB, name string, patience time.Duration) string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		value, ok := s.lines[name]
		s.mu.Unlock()
		if ok {
			return value
		}
		select {
		case <-s.done:
			t.Fatalf("the server ended before it said %q:\n%s", name, s.Output())
		default:
		}
	}
	t.Fatalf("the server did not say %q within %s:\n%s", name, patience, s.Output())
	return ""
}

// Output is everything the server wrote to its standard output and error.
func (s *Server) Output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

// PID is the server's process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop interrupts the server and waits for its end.
func (s *Server) Stop(t testing.TB) { s.end(t, syscall.SIGTERM) }

// Kill ends the server as a power cut does.
func (s *Server) Kill(t testing.TB) { s.end(t, os.Kill) }

func (s *Server) end(t testing.TB, signal os.Signal) {
	t.Helper()
	if s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Signal(signal)
	<-s.done
	if err := s.cmd.Wait(); err != nil && signal != os.Kill {
		t.Errorf("the server ended with %v:\n%s", err, s.Output())
	}
}

// Status asks the running server.
func (s *Server) Status(t testing.TB) admin.Status {
	t.Helper()
	var status admin.Status
	out := Run(t, 0, "sourdine", "status", "--home", s.Home, "--json")
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatal(err)
	}
	return status
}
