package offline

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const probeVariable = "SOURDINE_OFFLINE_PROBE"

func TestMain(m *testing.M) {
	if blob := os.Getenv(probeVariable); blob != "" {
		var t targets
		if err := json.Unmarshal([]byte(blob), &t); err != nil {
			panic(err)
		}
		os.Exit(probe(t))
	}
	os.Exit(m.Run())
}

// users are whom the desk may run as: an ordinary user, and root where the
// test itself is root.
func users(t *testing.T) map[string]*syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return map[string]*syscall.SysProcAttr{"user": {}}
	}
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	return map[string]*syscall.SysProcAttr{"root": {}, "user": {Credential: nobody}}
}

// binary copies this test program to where every user may run it.
func binary(t *testing.T) string {
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
	exe := filepath.Join(dir, "probe")
	if err := os.WriteFile(exe, src, 0o755); err != nil {
		t.Fatal(err)
	}
	return exe
}

// world opens what the probes will try to reach.
func world(t *testing.T, attr *syscall.SysProcAttr) (targets, *os.File) {
	var w targets
	accept := func(network, addr string) string {
		l, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
		return l.Addr().String()
	}
	w.TCP4, w.TCP6 = accept("tcp4", "127.0.0.1:0"), accept("tcp6", "[::1]:0")
	w.Unix = accept("unix", "@"+t.Name())
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	w.UDP4 = pc.LocalAddr().String()

	sibling := exec.Command("sleep", "60")
	sibling.SysProcAttr = attr
	if err := sibling.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sibling.Process.Kill(); sibling.Wait() })
	w.Sibling = sibling.Process.Pid

	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	legacy := os.NewFile(uintptr(fd), "udp")
	t.Cleanup(func() { legacy.Close() })
	return w, legacy
}

func udpAddr(s string) *unix.SockaddrInet4 {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return &unix.SockaddrInet4{}
	}
	return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
}

// run starts a probe and decodes its answer into out.
func run(t *testing.T, exe string, attr *syscall.SysProcAttr, w targets, legacy *os.File, out any) {
	t.Helper()
	stdout, err := command(t, exe, attr, w, legacy).Output()
	if err != nil {
		t.Fatalf("probe %q: %v", w.Mode, err)
	}
	if err := json.Unmarshal(stdout, out); err != nil {
		t.Fatalf("probe %q answered %q", w.Mode, stdout)
	}
}

func command(t *testing.T, exe string, attr *syscall.SysProcAttr, w targets, legacy *os.File) *exec.Cmd {
	t.Helper()
	blob, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = []string{probeVariable + "=" + string(blob), "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr, cmd.Stderr, cmd.Dir = attr, os.Stderr, "/"
	if legacy != nil {
		cmd.ExtraFiles = []*os.File{legacy}
	}
	return cmd
}

// refusedHere reports whether an attempt was refused by our walls.
func refusedHere(name, text string) bool {
	switch name {
	case "io_uring":
		return strings.Contains(text, "not implemented")
	case "memory of another process":
		return strings.Contains(text, "permission denied")
	case "bash":
		return strings.Contains(text, "not permitted")
	}
	return strings.Contains(text, "operation not permitted")
}

func checkAllRefused(t *testing.T, got outcome) {
	t.Helper()
	if want := len(attempts(targets{})); len(got) < want {
		t.Fatalf("%d attempts reported, want %d: %v", len(got), want, got)
	}
	for name, text := range got {
		if name == "memory of another process" && !landlockHasNet(t) {
			continue
		}
		if !refusedHere(name, text) {
			t.Errorf("%s: %q, want it refused by the seal", name, text)
		}
	}
}

func landlockHasNet(t *testing.T) bool {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	return errno == 0 && abi >= 4
}

func TestSealRefusesEveryWay(t *testing.T) {
	exe := binary(t)
	for name, attr := range users(t) {
		t.Run(name, func(t *testing.T) {
			w, legacy := world(t, attr)
			w.Seal = true
			var got outcome
			w.Mode = "try"
			run(t, exe, attr, w, legacy, &got)
			checkAllRefused(t, got)

			w.Mode = "child"
			got = nil
			run(t, exe, attr, w, legacy, &got)
			if _, ok := got["bash"]; !ok {
				t.Fatalf("the child was not run: %v", got)
			}
			checkAllRefused(t, got)

			w.Mode = "threads"
			var all []outcome
			run(t, exe, attr, w, legacy, &all)
			for _, got := range all {
				checkAllRefused(t, got)
			}
		})
	}
}

// TestUnsealed shows that the attempts prove something: without Seal none of
// them is refused the way the seal refuses.
func TestUnsealed(t *testing.T) {
	exe := binary(t)
	for name, attr := range users(t) {
		t.Run(name, func(t *testing.T) {
			w, legacy := world(t, attr)
			w.Mode = "try"
			var got outcome
			run(t, exe, attr, w, legacy, &got)
			for attempt, text := range got {
				privileged := attempt == "raw socket" || attempt == "packet socket"
				if refusedHere(attempt, text) && (name == "root" || !privileged) {
					t.Errorf("%s: %q without a seal", attempt, text)
				}
			}
			for _, must := range []string{"dial tcp4", "dial tcp6", "dial udp4", "dial unix", "listen tcp", "inherited socket, sendto"} {
				if got[must] != "" {
					t.Errorf("%s: %q without a seal", must, got[must])
				}
			}
		})
	}
}

func TestListenerServesAfterSeal(t *testing.T) {
	exe := binary(t)
	for name, attr := range users(t) {
		t.Run(name, func(t *testing.T) {
			cmd := command(t, exe, attr, targets{Mode: "serve", Seal: true}, nil)
			pipe, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			stdout := bufio.NewReader(pipe)
			addr, err := stdout.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			for range 3 {
				resp, err := client.Get("http://" + strings.TrimSpace(addr) + "/")
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if string(body) != "still here\n" {
					t.Errorf("answer %q", body)
				}
			}
			rest, _ := io.ReadAll(stdout)
			if err := cmd.Wait(); err != nil || string(rest) != "{\"shutdown\":\"\"}\n" {
				t.Errorf("the server ended with %v, %q", err, rest)
			}
		})
	}
}

// What a sealed desk types into its terminal would be read by the shell, which
// is not sealed.
func TestTerminal(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		var got outcome
		w := targets{Mode: "terminal", Seal: sealed}
		stdout, err := command(t, os.Args[0], nil, w, nil).Output()
		if err == nil {
			err = json.Unmarshal(stdout, &got)
		}
		if err != nil {
			t.Fatal(err)
		}
		if why := got["no terminal"]; why != "" {
			t.Skip("no terminal can be had here:", why)
		}
		if got["size"] != "" {
			t.Errorf("sealed %v: other requests to the terminal: %q", sealed, got["size"])
		}
		if sealed != refusedHere("type", got["type"]) && !(got["type"] == "input/output error" && !sealed) {
			t.Errorf("sealed %v: typing gave %q", sealed, got["type"])
		}
	}
}

func TestSealTwice(t *testing.T) {
	w, _ := world(t, nil)
	w.Mode, w.Seal = "twice", true
	var got outcome
	run(t, os.Args[0], nil, w, nil, &got)
	if got["second seal"] != "" || !refusedHere("dial", got["dial"]) {
		t.Errorf("%v", got)
	}
}

func TestMemoryIsKept(t *testing.T) {
	exe := binary(t)
	for name, attr := range users(t) {
		t.Run(name, func(t *testing.T) {
			var got walls
			run(t, exe, attr, targets{Mode: "walls", Seal: true}, nil, &got)
			if want := (walls{NoNewPrivs: 1}); got != want {
				t.Errorf("after the seal %+v, want %+v", got, want)
			}
		})
	}
}

func TestCrashLeavesNoCore(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		exe := binary(t)
		cmd := exec.Command("sh", "-c", `ulimit -c unlimited && cd "$(dirname "$0")" && exec "$0"`, exe)
		blob, _ := json.Marshal(targets{Mode: "crash", Seal: sealed})
		cmd.Env = []string{probeVariable + "=" + string(blob), "GOTRACEBACK=crash", "PATH=" + os.Getenv("PATH")}
		if err := cmd.Run(); err == nil {
			t.Fatal("the probe did not crash")
		}
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() {
			t.Fatalf("sealed %v: the probe ended with %v, want a signal", sealed, cmd.ProcessState)
		}
		if sealed && status.CoreDump() {
			t.Error("a sealed desk left a core file")
		}
		if !sealed && !status.CoreDump() {
			t.Log("no core files on this machine: the test shows little")
		}
	}
}

func TestSealFailsClosed(t *testing.T) {
	for how, want := range map[string]string{
		"no seccomp":      "refuses a system call filter",
		"no-op seccomp":   "still gives out sockets",
		"no prctl":        "forbidding memory dumps",
		"broken landlock": "by landlock",
	} {
		t.Run(how, func(t *testing.T) {
			var got outcome
			run(t, os.Args[0], nil, targets{Mode: how}, nil, &got)
			if !strings.Contains(got["seal"], want) {
				t.Errorf("Seal answered %q, want %q in it", got["seal"], want)
			}
		})
	}
}

// Kernels before 5.13, and 6.1 for networks, have no Landlock: the filter alone
// must do.
func TestSealWithoutLandlock(t *testing.T) {
	var got outcome
	run(t, os.Args[0], nil, targets{Mode: "no landlock"}, nil, &got)
	if got["seal"] != "" || !refusedHere("socket", got["socket"]) {
		t.Errorf("%v", got)
	}
}
