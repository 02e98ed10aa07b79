package torproc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	t.Setenv("PATH", dir)
	_, err := find("tor", other)
	if err == nil || !strings.Contains(err.Error(), "apt install tor") {
		t.Fatalf("err = %v, want a hint", err)
	}
	path := filepath.Join(other, "tor")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := find("tor", other); err == nil {
		t.Error("found a file that is no program")
	}
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := find("tor", other); err != nil || got != path {
		t.Errorf("find = %q, %v", got, err)
	}
}

func TestLockDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	lock, err := LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockDir(dir); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("locked twice: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := LockDir(dir)
	if err != nil {
		t.Fatalf("after unlocking: %v", err)
	}
	if err := again.Unlock(); err != nil {
		t.Error(err)
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":           `""`,
		"/a b":       `"/a b"`,
		`/a"b\c`:     `"/a\042b\134c"`,
		"/é":         `"/\303\251"`,
		"a\nSocks":   `"a\012Socks"`,
		"/x\x00\x7f": `"/x\000\177"`,
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestComplaint(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct{ text, want, not string }{
		"missing":    {"", "logged nothing", "\t"},
		"no warning": {"[notice] a\n[notice] b\n", "[notice] b", "logged nothing"},
		"warning":    {"[warn] reason\n[notice] bye\n[err] see above\n", "[warn] reason", "bye"},
		"huge":       {strings.Repeat("x", 1<<20) + "\n[warn] last\n", "[warn] last", "xxx"},
		"long line":  {"[warn] " + strings.Repeat("y", 1<<13) + "\n", "[warn] yyy", strings.Repeat("y", lineBytes)},
	} {
		got := complaint(file(name, c.text), filepath.Join(dir, "none")).Error()
		if !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%s: %.200q, want %q and not %q", name, got, c.want, c.not)
		}
	}
}
