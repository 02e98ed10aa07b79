package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/preview/sandbox"
)

// A served desk is the real program, as a reviewer starts it.
type served struct {
	t      *testing.T
	cmd    *exec.Cmd
	base   string
	client *http.Client
	stderr *bytes.Buffer
}

func serveDesk(t *testing.T, args ...string) *served {
	t.Helper()
	s := &served{t: t, cmd: exec.Command("sourdine-desk", append([]string{"serve"}, args...)...), stderr: &bytes.Buffer{}}
	s.cmd.Stderr = s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "desk ")
	if err != nil || !ok {
		t.Fatalf("it printed %q, %v: %s", line, err, s.stderr)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.client = &http.Client{Jar: jar, Timeout: time.Minute}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() != "127.0.0.1" {
		t.Fatalf("address %q, %v", address, err)
	}
	s.base = "http://" + u.Host
	s.want(s.get(u.Path), http.StatusOK, "")
	return s
}

func (s *served) get(path string) *http.Response {
	s.t.Helper()
	r, err := s.client.Get(s.base + path)
	if err != nil {
		s.t.Fatalf("%v: %s", err, s.stderr)
	}
	return r
}

func (s *served) post(path string, form url.Values) *http.Response {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", s.base)
	r, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *served) want(r *http.Response, status int, text string) {
	s.t.Helper()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != status || !strings.Contains(string(body), text) {
		s.t.Errorf("%d, %v, lacks %q:\n%s\n%s", r.StatusCode, err, text, body, s.stderr)
	}
}

// stop ends the program as systemd does.
func (s *served) stop() {
	s.t.Helper()
	s.end(syscall.SIGTERM)
}

func (s *served) end(signal os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("it ended with %v: %s", err, s.stderr)
	}
	if strings.Contains(s.stderr.String(), "error") {
		s.t.Errorf("it complained: %s", s.stderr)
	}
}

// filledHome is a home with one submission, and its passphrase file.
func filledHome(t *testing.T) (home, pass, id string) {
	t.Helper()
	home, pass = desktest.NewHome(t), filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(pass, []byte(desktest.Passphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := desktest.NewVault(t)
	id = v.Submit(desktest.Certificate(t, home), "bonjour", desktest.File{Name: "a.txt", Type: "text/plain", Data: []byte("le texte du document")})
	parcel := filepath.Join(t.TempDir(), "parcel")
	if err := os.WriteFile(parcel, v.Parcel(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sourdine-desk", "import", "--home", home, "--passphrase-file", pass, parcel).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return home, pass, id
}

// The program is sealed, its worker within that once more; both must still work.
func TestServe(t *testing.T) {
	if sandbox.WithCgo {
		t.Skip("the sandbox is not made for cgo: run make quick, or set CGO_ENABLED=0")
	}
	home, pass, id := filledHome(t)
	s := serveDesk(t, "--home", home, "--passphrase-file", pass)
	s.want(s.get("/"), http.StatusOK, "bonjour")
	s.want(s.get(fmt.Sprintf("/submissions/%s/1", id)), http.StatusOK, "le texte du document")
	s.want(s.post(fmt.Sprintf("/submissions/%s/1/save", id), nil), http.StatusOK, "le texte du document")
	s.want(s.post("/records/new", url.Values{"title": {"Une fiche"}}), http.StatusOK, "Une fiche")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil || !bytes.Contains(status, []byte("Seccomp:\t2")) || !bytes.Contains(status, []byte("NoNewPrivs:\t1")) {
		t.Errorf("it is not sealed: %v\n%s", err, status)
	}
	// The command line goes on working beside it.
	out, err := exec.Command("sourdine-desk", "record", "list", "--home", home, "--passphrase-file", pass).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Une fiche") {
		t.Errorf("%v: %s", err, out)
	}
	s.stop()
}

func TestServeLocked(t *testing.T) {
	home, _, _ := filledHome(t)
	s := serveDesk(t, "--home", home)
	s.want(s.get("/"), http.StatusOK, `type="password"`)
	s.want(s.post("/unlock", url.Values{"passphrase": {"wrong"}}), http.StatusForbidden, `type="password"`)
	s.want(s.post("/unlock", url.Values{"passphrase": {desktest.Passphrase}}), http.StatusOK, "bonjour")
	closed := os.Signal(syscall.SIGHUP) // the terminal was
	if signal.Ignored(closed) {         // under nohup(1), as whoever wants that starts it
		closed = syscall.SIGTERM
	}
	s.end(closed)
}

func TestServeRefuses(t *testing.T) {
	home, pass, _ := filledHome(t)
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	running := serveDesk(t, "--home", home)
	taken := strings.TrimPrefix(running.base, "http://")
	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"--home", home, "--listen", "0.0.0.0:0"}, 2, "the desk listens only on this machine itself"},
		{[]string{"--home", home, "--listen", "localhost:0"}, 2, "127.0.0.1:0"},
		{[]string{"--home", home, "--listen", taken}, 1, "hint: choose another port"},
		{[]string{"--home", t.TempDir()}, 3, "there is no desk's home here"},
		{[]string{"--home", home, "--passphrase-file", wrong}, 4, "the passphrase is wrong"},
		{[]string{"--home", home, "--passphrase-file", pass, "x"}, 2, "unexpected argument"},
		{nil, 2, "required flag"},
	} {
		out, err := exec.Command("sourdine-desk", append([]string{"serve"}, c.args...)...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != c.code || !strings.Contains(string(out), c.text) {
			t.Errorf("%v: %v, %s", c.args, err, out)
		}
	}
	running.stop()
}
