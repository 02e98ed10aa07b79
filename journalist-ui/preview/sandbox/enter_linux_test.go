package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sourdine/journalist-ui/offline"
	"sourdine/journalist-ui/offline/seccomp"
)

const childVariable = "SOURDINE_SANDBOX_CHILD"

// child is what the test tells the process it starts.
type child struct {
	Mode    string
	Open    bool   // do not Enter: the attempts must then not answer EPERM
	Sealed  bool   // in the desk, offline.Seal came first
	Lacking string // a wall that this kernel shall not have
	Limits  Limits
}

func TestMain(m *testing.M) {
	if WithCgo {
		fmt.Println("--- SKIP: all of this package: the sandbox is not made for cgo; run make quick, or set CGO_ENABLED=0")
		os.Exit(0)
	}
	blob := os.Getenv(childVariable)
	if blob == "" {
		os.Exit(m.Run())
	}
	var c child
	if err := json.Unmarshal([]byte(blob), &c); err != nil {
		panic(err)
	}
	os.Exit(c.main())
}

func (c child) main() int {
	if c.Sealed {
		if err := offline.Seal(); err != nil {
			panic(err)
		}
	}
	lack := map[string][]uintptr{
		"landlock": {unix.SYS_LANDLOCK_CREATE_RULESET},
		"seccomp":  {unix.SYS_SECCOMP},
		"limits":   {unix.SYS_PRLIMIT64},
	}[c.Lacking]
	if lack != nil {
		if err := (seccomp.Policy{Otherwise: seccomp.Allow, Rules: seccomp.On(seccomp.Absent, lack...)}).Install(); err != nil {
			panic(err)
		}
	}
	onOldThreads := oldThreads()
	if !c.Open {
		if err := Enter(c.Limits); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 3
		}
	}
	run := func() any { return mode(c.Mode) }
	if c.Mode == "threads" {
		run = onOldThreads
	}
	if err := json.NewEncoder(os.Stdout).Encode(run()); err != nil {
		return 4
	}
	return 0
}

// start runs the child as the given user and returns its output, its error
// output and how it ended.
func start(t *testing.T, attr *syscall.SysProcAttr, c child, extra ...*os.File) (stdout []byte, stderr string, err error) {
	t.Helper()
	if c.Limits == (Limits{}) {
		c.Limits = Limits{Memory: 512 << 20, Seconds: 20}
	}
	blob, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary(t))
	cmd.Env = []string{childVariable + "=" + string(blob)}
	cmd.SysProcAttr, cmd.Dir, cmd.ExtraFiles = attr, "/", extra
	var errs strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Repeat("x", 1<<20)), &errs
	stdout, err = cmd.Output()
	return stdout, errs.String(), err
}

func users() map[string]*syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return map[string]*syscall.SysProcAttr{"user": {}}
	}
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	return map[string]*syscall.SysProcAttr{"root": {}, "user": {Credential: nobody}}
}

// binary copies this test program to where every user may run it.
func binary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	src, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "child")
	if err := os.WriteFile(exe, src, 0o755); err != nil {
		t.Fatal(err)
	}
	return exe
}

func TestNoEscape(t *testing.T) {
	for name, attr := range users() {
		for _, sealed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, sealed %v", name, sealed), func(t *testing.T) {
				stdout, stderr, err := start(t, attr, child{Mode: "threads", Sealed: sealed})
				if err != nil {
					t.Fatalf("%v: %s", err, stderr)
				}
				var threads []map[string]string
				if err := json.Unmarshal(stdout, &threads); err != nil {
					t.Fatal(err)
				}
				if len(threads) != 4 {
					t.Fatalf("%d threads answered", len(threads))
				}
				for _, got := range threads {
					checkShut(t, got)
				}

				stdout, stderr, err = start(t, attr, child{Mode: "escape", Sealed: sealed})
				if err != nil {
					t.Fatalf("%v: %s", err, stderr)
				}
				var got map[string]string
				if err := json.Unmarshal(stdout, &got); err != nil {
					t.Fatal(err)
				}
				checkShut(t, got)
			})
		}
	}
}

func checkShut(t *testing.T, got map[string]string) {
	t.Helper()
	if len(got) != len(escapes()) {
		t.Fatalf("%d attempts reported, want %d", len(got), len(escapes()))
	}
	for what, verdict := range got {
		want := "EPERM"
		if strings.HasPrefix(what, "io_uring") && verdict == "ENOSYS" {
			want = "ENOSYS" // the desk's seal answers first
		}
		if verdict != want {
			t.Errorf("%s: %s, want %s", what, verdict, want)
		}
	}
}

// TestAttemptsProveSomething runs the attempts in an open process of root: none
// of them may be refused there the way the sandbox refuses.
func TestAttemptsProveSomething(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	stdout, stderr, err := start(t, nil, child{Mode: "escape in the open", Open: true})
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	var got map[string]string
	if err := json.Unmarshal(stdout, &got); err != nil {
		t.Fatal(err)
	}
	for what, verdict := range got {
		if verdict == "EPERM" {
			t.Errorf("%s: refused without a sandbox", what)
		}
	}
	for _, must := range []string{"read a file", "write a file", "pipe", "dup", "listen", "run a program", "shared memory", "executable memory"} {
		if got[must] != "worked" {
			t.Errorf("%s: %s without a sandbox", must, got[must])
		}
	}
}

// TestRuntimeSurvives shows that what is left is enough for Go.
func TestRuntimeSurvives(t *testing.T) {
	for name, attr := range users() {
		for _, sealed := range []bool{false, true} {
			stdout, stderr, err := start(t, attr, child{Mode: "work", Sealed: sealed})
			if err != nil || string(stdout) != "{\"work\":\"done\"}\n" {
				t.Errorf("%s, sealed %v: %v, %q, %s", name, sealed, err, stdout, stderr)
			}
		}
	}
}

func TestStraysAreClosed(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stray"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stdout, stderr, err := start(t, nil, child{Mode: "strays"}, f)
	if err != nil || string(stdout) != "{\"write\":\"EBADF\"}\n" {
		t.Errorf("%v, %q, %s", err, stdout, stderr)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	began := time.Now()
	stdout, stderr, err := start(t, nil, child{Mode: "memory", Limits: Limits{Memory: 256 << 20, Seconds: 20}})
	if err == nil {
		t.Errorf("1.6 GiB were had under a limit of 256 MiB: %s", stdout)
	}
	// Go's runtime mostly says that memory is out; now and then its collector
	// meets the refused page first. Either way nothing was answered.
	if !strings.Contains(stderr, "out of memory") && !strings.Contains(stderr, "SIGSEGV") {
		t.Errorf("the process ended otherwise: %v, %.200s", err, stderr)
	}
	if len(stdout) > 0 {
		t.Errorf("it answered before it ended: %s", stdout)
	}
	t.Logf("ended after %v", time.Since(began))
}

func TestProcessorTimeIsBounded(t *testing.T) {
	_, stderr, err := start(t, nil, child{Mode: "spin", Limits: Limits{Memory: 512 << 20, Seconds: 1}})
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the process ended with %v, %s", err, stderr)
	}
}

// TestEnterFailsClosed takes one wall after the other away.
func TestEnterFailsClosed(t *testing.T) {
	for lacking, want := range map[string]string{
		"landlock": "no landlock",
		"seccomp":  "refuses a system call filter",
		"limits":   "setting limits",
	} {
		stdout, stderr, err := start(t, nil, child{Mode: "work", Lacking: lacking})
		if err == nil || len(stdout) > 0 {
			t.Errorf("without %s the process went on: %s", lacking, stdout)
		}
		if lacking != "limits" && !strings.Contains(stderr, want) {
			t.Errorf("without %s: %q, want %q in it", lacking, stderr, want)
		}
	}
}
