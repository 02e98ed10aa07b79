package program

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user who can read nothing of ours: what a machine apart is.
const nobody = 65534

// A Desk is a reviewer's desk in a folder of its own, whose programs run as a
// user without access to the server's home.
type Desk struct {
	Home       string
	Passphrase string // its file
	dir        string
}

// NewDesk makes a desk. It needs root, to become another user.
func NewDesk(t testing.TB) *Desk {
	t.Helper()
	dir, err := os.MkdirTemp("", "sourdine-desk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &Desk{Home: filepath.Join(dir, "home"), Passphrase: filepath.Join(dir, "passphrase"), dir: dir}
	if err := os.WriteFile(d.Passphrase, []byte("a passphrase for the test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, d.Passphrase} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatalf("the desk needs a user of its own, and only root can give it one: %v", err)
		}
	}
	d.Run(t, "init", "--home", d.Home, "--name", "Camille", "--passphrase-file", d.Passphrase)
	return d
}

// Put copies a file to the desk's folder, as a USB stick does.
func (d *Desk) Put(t testing.TB, from string) string {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(d.dir, filepath.Base(from))
	if err := os.WriteFile(to, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return to
}

// Path is a path in the desk's folder.
func (d *Desk) Path(name string) string { return filepath.Join(d.dir, name) }

// Command prepares a desk command under the desk's user.
func (d *Desk) Command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(Path(t, "sourdine-desk"), args...)
	cmd.Dir = d.dir
	cmd.Env = []string{"HOME=" + d.dir, "TMPDIR=" + d.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

// Run runs a desk command, which must succeed, and returns its standard output.
func (d *Desk) Run(t testing.TB, args ...string) string {
	t.Helper()
	cmd := d.Command(t, args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("sourdine-desk %s: %v\n%s", strings.Join(args, " "), err, errOut.String())
	}
	return out.String()
}
