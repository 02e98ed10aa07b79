//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sourdine/deploy/e2e/program"
)

// A canary is a random marker in every form in which a program may write it.
type canary map[string][]byte

func newCanary() canary {
	raw := random(64)
	return canary{
		"raw":       raw,
		"hex":       []byte(hex.EncodeToString(raw)),
		"base64":    []byte(base64.StdEncoding.EncodeToString(raw)[:80]),
		"base64url": []byte(base64.RawURLEncoding.EncodeToString(raw)[:80]),
		"base32":    []byte(base32.StdEncoding.EncodeToString(raw)[:100]),
	}
}

// count returns how often any form of the canary, or a 16-byte piece of it,
// stands in b.
func (c canary) count(b []byte) int {
	n := 0
	for _, form := range c {
		n += bytes.Count(b, form[:16]) + bytes.Count(b, form[len(form)-16:])
	}
	return n
}

// TestCanary is promise 1 as a test: a marker goes through the server as
// message, as a file's body and as a file's name; then nothing that the server
// wrote holds it. What is left in the server's memory is printed: SECURITY.md
// quotes it.
func TestCanary(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp) // of the server: its files are searched as well
	s := program.StartServer(t, "--tor=private")
	onion := s.Line(t, "source-onion", 3*time.Minute)
	socks := s.Line(t, "socks", time.Minute)

	c := newCanary()
	through := s.Through(t, socks, onion)
	through.WaitReachable(t, 2*time.Minute)
	body := append(bytes.Repeat([]byte{'.'}, 3*mib), c["raw"]...)
	if err := through.Submit(string(c["hex"]), program.File{Name: string(c["base64url"]), Content: bytes.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
	memory := func() int { return c.countMemory(t, s.PID()) }
	atOnce := memory()
	time.Sleep(5 * time.Second)
	soon := memory()

	all := s.Received(t)
	if len(all) != 1 || all[0].Manifest.Message != string(c["hex"]) || !bytes.Equal(all[0].Items[1], body) {
		t.Fatal("the marker did not arrive: the search below would prove nothing")
	}
	c.searchFiles(t, s.Home)
	c.searchFiles(t, temp)
	if c.count([]byte(s.Output())) > 0 {
		t.Error("the marker stands in the server's output")
	}

	for range 10 {
		if err := s.Submit("autre", program.File{Name: "autre", Content: bytes.NewReader(random(2 * mib))}); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(5 * time.Second)
	fmt.Printf("copies of pieces of the marker in the server's memory: %d after its request, %d five seconds later, %d after ten more of 2 MiB\n", atOnce, soon, memory())

	// The search itself must be able to find: the plaintext is planted.
	planted := filepath.Join(t.TempDir(), "planted")
	if err := os.WriteFile(planted, append([]byte("x"), c["raw"]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(planted); err != nil || c.count(raw) == 0 {
		t.Error("the search does not find what is there")
	}
}

// searchFiles reports every file below dir, or name of one, that holds the
// marker. It fails when there is nothing to search in.
func (c canary) searchFiles(t *testing.T, dir string) {
	t.Helper()
	files, size := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if c.count([]byte(path)) > 0 {
			t.Errorf("the marker stands in the name of a file")
		}
		if !d.Type().IsRegular() {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files, size = files+1, size+len(raw)
		if n := c.count(raw); n > 0 {
			t.Errorf("%s holds the marker %d times", path, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("searched %d files, %d bytes", files, size)
}

// countMemory reads a running process as a core image would hold it: all
// private memory and its stacks; mapped files are searched as files.
func (c canary) countMemory(t *testing.T, pid int) int {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatalf("reading the server's memory needs root: %v", err)
	}
	defer mem.Close()
	count, size := 0, 0
	for line := range strings.Lines(string(maps)) {
		var from, to uint64
		var mode string
		fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode)
		if !strings.HasPrefix(mode, "rw") || strings.Contains(line, "vault.db") || to-from > 1<<30 {
			continue
		}
		raw := make([]byte, to-from)
		if n, _ := mem.ReadAt(raw, int64(from)); n > 0 {
			count, size = count+c.count(raw[:n]), size+n
		}
	}
	if size < mib {
		t.Fatalf("only %d bytes of memory could be read", size)
	}
	return count
}
