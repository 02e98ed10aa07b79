package desk

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What others put into a claimed folder stays when the home cannot be finished,
// even under a name that the home would have used.
func TestDiscardTakesBackItsOwn(t *testing.T) {
	above := t.TempDir()
	c, err := claim(filepath.Join(above, "x", "home"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.write(keyName, []byte("ours")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{cardName, "thesis.odt", markName} {
		if err := os.WriteFile(c.path(name), []byte("theirs"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if c.write(cardName, []byte("ours")) == nil || c.writeMark([]byte("ours")) == nil {
		t.Error("a file was written over")
	}
	if err := c.discard(); err != nil {
		t.Error(err)
	}
	var left []string
	entries, err := os.ReadDir(c.home)
	for _, e := range entries {
		raw, readErr := os.ReadFile(c.path(e.Name()))
		if readErr != nil || string(raw) != "theirs" {
			t.Errorf("%s: %q, %v", e.Name(), raw, readErr)
		}
		left = append(left, e.Name())
	}
	if want := []string{cardName, markName, "thesis.odt"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left %v, %v", left, err)
	}
}
