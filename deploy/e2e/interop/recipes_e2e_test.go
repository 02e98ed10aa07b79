//go:build e2e

package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	parcelFormat   = "../../../vault/parcel/FORMAT.md"
	translogFormat = "../../../vault/translog/FORMAT.md"
	orderFormat    = "../../../vault/order/FORMAT.md"
)

// A recipe is a block of commands in one of our texts.
type recipe struct{ language, text string }

var recipeForm = regexp.MustCompile("(?s)```(sh|python)\n(.*?)```")

// recipes reads those of a section, which must be as many as the test knows.
func recipes(t *testing.T, path, section string, want int) []recipe {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, from, ok := strings.Cut(string(text), "\n## "+section+". ")
	if !ok {
		t.Fatalf("%s has no section %s", path, section)
	}
	part, _, _ := strings.Cut(from, "\n## ")
	var all []recipe
	for _, block := range recipeForm.FindAllStringSubmatch(part, -1) {
		all = append(all, recipe{block[1], block[2]})
	}
	if len(all) != want {
		t.Fatalf("%s, section %s, has %d blocks of commands, want %d", path, section, len(all), want)
	}
	return all
}

// A kitchen is a folder where recipes are tried.
type kitchen struct {
	dir string
	env []string
}

func newKitchen(t *testing.T, env ...string) kitchen {
	t.Helper()
	for program, debian := range map[string]string{"tar": "tar", "openssl": "openssl", "jq": "jq", "bash": "bash", "python3": "python3"} {
		needed(t, program, debian)
	}
	return kitchen{t.TempDir(), append(os.Environ(), env...)}
}

// sh runs commands, of which each must succeed.
func (k kitchen) sh(commands string) error { return k.run("sh", "-e", "-c", commands) }

func (k kitchen) run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = k.dir, k.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", args, err, out)
	}
	return nil
}

func (k kitchen) path(name string) string { return filepath.Join(k.dir, name) }

func (k kitchen) put(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(k.path(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(k.path(name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (k kitchen) get(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(k.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// altered replaces text in a file, sees that a recipe notices, and puts it back.
func (k kitchen) altered(t *testing.T, name, old, new, commands string) {
	t.Helper()
	before := k.get(t, name)
	after := bytes.Replace(before, []byte(old), []byte(new), 1)
	if bytes.Equal(before, after) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	k.put(t, name, after)
	if k.sh(commands) == nil {
		t.Errorf("the commands do not notice that %q in %s became %q", old, name, new)
	}
	k.put(t, name, before)
}
