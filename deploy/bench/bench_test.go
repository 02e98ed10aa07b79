//go:build bench

package bench

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sourdine/deploy/e2e/program"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

func TestMain(m *testing.M) { os.Exit(program.Main(m)) }

// TestIntake prints MiB/s and CPU seconds per GiB from loopback HTTP to the
// durable vault, beside gpg and plain files of the same size.
func TestIntake(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	writeRandom(t, plain, gib)

	// In turns, so that all meet the same moods of the machine.
	var ours, gpg, synced, dd []measure
	gpgHome := newGPG(t)
	for range 3 {
		settle(t, dir)
		ours = append(ours, upload(t, gib))
		settle(t, dir)
		gpg = append(gpg, command(t, "gpg", "--homedir", gpgHome, "--batch", "--yes", "--trust-model", "always",
			"-z", "0", "--recipient", "bench", "--output", filepath.Join(dir, "gpg"), "--encrypt", plain))
		settle(t, dir)
		synced = append(synced, syncedFile(t, plain, filepath.Join(dir, "synced")))
		settle(t, dir)
		dd = append(dd, command(t, "dd", "if="+plain, "of="+filepath.Join(dir, "dd"), "bs=1M", "conv=fsync", "status=none"))
	}
	fmt.Println("\n1 GiB, medians of 3 (CPU of the server or command only)")
	best := report("file, fsync per 16 MiB", synced)
	report("dd conv=fsync", dd)
	report("gpg --encrypt -z 0, no fsync", gpg)
	sealed := report("sourdine: HTTP, sealed, durable", ours)
	fmt.Printf("wall time: %.2f x of the file with an fsync per 16 MiB (aim 1.5); CPU %.2f s/GiB (aim 1.6); peak %d MiB\n",
		sealed.wall.Seconds()/best.wall.Seconds(), sealed.cpu.Seconds(), sealed.peak/mib)
}

// TestMemory prints the server's peak memory with fifty uploads of 100 MiB at
// once.
func TestMemory(t *testing.T) {
	s := program.StartServer(t)
	start := time.Now()
	var uploads sync.WaitGroup
	for range 50 {
		uploads.Go(func() { send(t, s, 100*mib) })
	}
	uploads.Wait()
	after := s.Usage(t)
	fmt.Printf("\n50 uploads of 100 MiB at once: %s, %.0f MiB/s; peak %d MiB resident, of which at the end %d MiB are the process's own and %d MiB the vault's file (aim: 128 MiB)\n",
		time.Since(start).Round(10*time.Millisecond), 5000/time.Since(start).Seconds(), after.Peak/mib, after.Anonymous/mib, after.File/mib)
	if n := s.Status(t).Submissions; n != 50 {
		t.Errorf("%d of 50 uploads arrived", n)
	}
}

type measure struct {
	wall, cpu time.Duration
	peak      int64
}

// upload measures one upload to a new server.
func upload(t *testing.T, size int64) measure {
	s := program.StartServer(t)
	defer s.Stop(t)
	before := s.Usage(t)
	start := time.Now()
	send(t, s, size)
	wall := time.Since(start)
	after := s.Usage(t)
	return measure{wall: wall, cpu: after.CPU - before.CPU, peak: after.Peak}
}

func send(t *testing.T, s *program.Server, size int64) {
	if err := s.Submit("", program.File{Name: "archive.bin", Content: io.LimitReader(newPattern(), size), Size: size}); err != nil {
		t.Errorf("failed to submit: %v", err)
	}
}

// pattern is an endless stream that costs the client little to make. It repeats
// random bytes: zeros would be a special case for every scanner.
type pattern []byte

func newPattern() pattern {
	block := make([]byte, mib)
	rand.Read(block)
	return block
}

func (p pattern) Read(b []byte) (int, error) { return copy(b, p), nil }

func syncedFile(t *testing.T, from, to string) measure {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	start := time.Now()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for {
		n, err := io.CopyN(struct{ io.Writer }{out}, struct{ io.Reader }{in}, 16*mib)
		if n > 0 {
			if err := out.Sync(); err != nil {
				t.Fatal(err)
			}
		}
		if err == io.EOF {
			return measure{wall: time.Since(start)}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func command(t *testing.T, name string, args ...string) measure {
	t.Helper()
	cmd := exec.Command(name, args...)
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	state := cmd.ProcessState
	return measure{wall: time.Since(start), cpu: state.UserTime() + state.SystemTime()}
}

func newGPG(t *testing.T) string {
	t.Helper()
	// Not under t.TempDir: the agent's socket needs a short path.
	home, err := os.MkdirTemp("", "gpg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	command(t, "gpg", "--homedir", home, "--batch", "--passphrase", "", "--quick-generate-key", "bench", "default", "default", "never")
	return home
}
