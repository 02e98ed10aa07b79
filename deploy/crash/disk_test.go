//go:build crash && linux && amd64

package crash

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sourdine/deploy/crash/trace"
	"sourdine/vault/admin"
)

// mounted moves a world's home into a folder where what is given is mounted.
func (w *world) mounted(t *testing.T, kind, options string) *world {
	t.Helper()
	dir := newFolder(t)
	if err := unix.Mount("crash", dir, kind, 0, options); err != nil {
		t.Fatalf("failed to mount %s: %v", kind, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	moved, err := w.copyTo(dir)
	if err != nil {
		t.Fatal(err)
	}
	return moved
}

func (w *world) serveUntraced(t *testing.T) *server {
	t.Helper()
	s, err := w.launch(trace.Rule{Mode: trace.Untraced})
	if err == nil {
		err = s.ready()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fill leaves about so many bytes free.
func fill(t *testing.T, path string, free uint64) {
	t.Helper()
	var s unix.Statfs_t
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		if err := unix.Statfs(filepath.Dir(path), &s); err != nil {
			t.Fatal(err)
		}
		if left := s.Bfree * uint64(s.Bsize); left <= free {
			return
		} else if _, err := f.Write(make([]byte, min(left-free, 1<<20))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFullDisk fills the disk under a running server, and makes room again: the
// source gets a clear page, the admin a clear status, and it goes on by itself.
func TestFullDisk(t *testing.T) {
	w := seed(t).mounted(t, "tmpfs", "size=64m,mode=0700")
	s := w.serveUntraced(t)
	ballast := filepath.Join(filepath.Dir(w.home), "ballast")
	for round, free := range []uint64{1 << 20, 100 << 10, 0} {
		fill(t, ballast, free)
		err := s.submit(fmt.Sprintf("too large %d", round), random(4<<20))
		outcome, clear := answered(err)
		t.Logf("with %d bytes free: %s", free, outcome)
		if !clear || err == nil {
			t.Errorf("a submission that does not fit: %v: %s", err, s.output())
		}
		full := func(status admin.Status) bool {
			return slices.ContainsFunc(status.Problems, func(p string) bool {
				return strings.HasPrefix(p, "there is no room on the disk: ") && strings.HasSuffix(p, "make room, and it goes on by itself")
			})
		}
		if status, err := s.recover(); err != nil || !full(status) {
			t.Errorf("status on a full disk: %q, %v", status.Problems, err)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if err := s.submit(fmt.Sprintf("fits %d", round), random(1<<20)); err != nil {
			t.Fatalf("there is room again, and the server says %v: %s", err, s.output())
		}
		if status, err := s.recover(); err != nil || full(status) {
			t.Errorf("status with room again: %q, %v", status.Problems, err)
		}
	}
	s.settles(t)
	s.stop(t)
	if err := w.verify(); err != nil {
		t.Fatal(err)
	}
}

// settles waits until the server has erased what it could not when the disk was
// full.
func (s *server) settles(t *testing.T) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		status, err := s.recover()
		if err == nil && status.Drafts == 0 {
			return
		}
		if err != nil || time.Since(began) > patience {
			t.Fatalf("%d uploads that broke off are still there: %v", status.Drafts, err)
		}
	}
}

// TestKilledOnFullDisk kills a server whose disk is full: it starts again on it,
// and nothing is lost.
func TestKilledOnFullDisk(t *testing.T) {
	w := seed(t).mounted(t, "tmpfs", "size=64m,mode=0700")
	ballast := filepath.Join(filepath.Dir(w.home), "ballast")
	for round := range 3 {
		s := w.serveUntraced(t)
		fill(t, ballast, 2<<20)
		// It may fit where an earlier one was.
		if _, clear := answered(s.submit(fmt.Sprintf("too large %d", round), random(4<<20))); !clear {
			t.Fatalf("on a full disk there is no clear answer: %s", s.output())
		}
		if _, err := s.kill(); err != nil {
			t.Fatal(err)
		}
		s = w.serveUntraced(t)
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if err := s.submit(fmt.Sprintf("fits %d", round), random(1<<20)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.kill(); err != nil {
			t.Fatal(err)
		}
		if err := w.verify(); err != nil {
			t.Fatal(err)
		}
	}
}

// says runs a command, perhaps as another user, which must fail in one line.
func (w *world) says(t *testing.T, uid uint32, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(w.program, append(args, "--home", w.home)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &out, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	err := cmd.Run()
	var exit *exec.ExitError
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if !errors.As(err, &exit) || !strings.HasPrefix(lines[0], "error: ") || len(lines) > 2 {
		t.Errorf("%q: %v: %s", args, err, out.String())
	}
	t.Logf("%q: %s", args, lines)
	return out.String()
}

// TestUnwritableHome serves a home on a disk that is read-only, and one of
// another user: a clear word, and nothing is touched.
func TestUnwritableHome(t *testing.T) {
	w := seed(t)
	serve := []string{"serve", "--listen", "127.0.0.1:0"}
	if err := os.Chmod(filepath.Dir(w.home), 0o755); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	if text := w.says(t, nobody, serve...); !strings.Contains(text, "permission denied") && !strings.Contains(text, "hint: ") {
		t.Errorf("another user is told %q", text)
	}
	if err := unix.Mount(w.home, w.home, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Unmount(w.home, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	if err := unix.Mount("", w.home, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{serve, {"status"}, {"parcel", "export", "-o", "-"}} {
		if text := w.says(t, 0, args...); !strings.Contains(text, "read-only") {
			t.Errorf("on a read-only disk %q says %q", args, text)
		}
	}
	if err := unix.Mount("", w.home, "", unix.MS_REMOUNT|unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.verify(); err != nil {
		t.Fatal(err)
	}
}

// TestVanishedHome moves the home away under a running server, and back.
func TestVanishedHome(t *testing.T) {
	t.Parallel()
	w := seed(t)
	s := w.serveUntraced(t)
	away := w.home + ".away"
	if err := os.Rename(w.home, away); err != nil {
		t.Fatal(err)
	}
	err := s.submit("without a home", random(1000))
	outcome, clear := answered(err)
	t.Logf("a source is told: %s", outcome)
	if !clear {
		t.Error("that is not clear")
	}
	if err == nil {
		t.Error("a receipt for a home that is gone")
	}
	if text := w.says(t, 0, "status"); !strings.Contains(text, "there is no home at that place") {
		t.Errorf("status says %q", text)
	}
	if err := os.Rename(away, w.home); err != nil {
		t.Fatal(err)
	}
	if err := s.submit("home again", random(1000)); err != nil {
		t.Errorf("the home is back, and the server says %v: %s", err, s.output())
	}
	if _, err := s.recover(); err != nil {
		t.Error(err)
	}
	if _, err := s.kill(); err != nil {
		t.Fatal(err)
	}
	if err := w.verify(); err != nil {
		t.Fatal(err)
	}
}

var rescueHint = regexp.MustCompile(`ls -l (/proc/[0-9]+/fd) shows its files`)

// TestDeletedHome deletes the home under a running server: no source gets a receipt
// for what lies in a file without a name, and everything that was acknowledged
// can be copied from the server's open files, as it says.
func TestDeletedHome(t *testing.T) {
	t.Parallel()
	w := seed(t)
	s := w.serveUntraced(t)
	if err := s.submit("before", random(100_000)); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(newFolder(t), "home") // what a backup has of it
	out, err := exec.Command("cp", "-a", w.home, kept).CombinedOutput()
	if err := errors.Join(err, os.RemoveAll(w.home)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for n := range 3 {
		err := s.submit(fmt.Sprintf("deleted %d", n), random(100_000))
		if outcome, clear := answered(err); err == nil || !clear {
			t.Errorf("a source is told: %s, %v", outcome, err)
		}
	}
	var found []string
	for began := time.Now(); found == nil; time.Sleep(100 * time.Millisecond) {
		if found = rescueHint.FindStringSubmatch(s.output()); time.Since(began) > patience {
			t.Fatalf("the server does not say how to save it: %s", s.output())
		}
	}
	if err := rescue(found[1], kept); err != nil {
		t.Fatal(err)
	}
	if _, err := s.kill(); err != nil {
		t.Fatal(err)
	}
	w.home = kept
	if err := w.verify(); err != nil {
		t.Fatal(err)
	}
}

// rescue copies the vault's files out of a program that has them open.
func rescue(descriptors, home string) error {
	entries, err := os.ReadDir(descriptors)
	if err != nil {
		return err
	}
	saved := 0
	for _, e := range entries {
		path := filepath.Join(descriptors, e.Name())
		name, _ := os.Readlink(path)
		name = filepath.Base(strings.TrimSuffix(name, " (deleted)"))
		if name != "vault.db" && name != "vault.slots" {
			continue
		}
		from, err := os.Open(path)
		if err != nil {
			return err
		}
		to, err := os.Create(filepath.Join(home, name))
		if err == nil {
			_, err = io.Copy(to, from)
			err = errors.Join(err, to.Close())
		}
		if err := errors.Join(err, from.Close()); err != nil {
			return err
		}
		saved++
	}
	if saved != 2 {
		return fmt.Errorf("%d files were saved", saved)
	}
	return nil
}
