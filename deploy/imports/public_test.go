package imports

import (
	"io/fs"
	"os"
	"strings"
	"testing"
)

// TestNoTestGoesPublic: a test that serves on the public Tor network would
// announce a site to the world. Tests may say --tor=public only together with
// --tor-control, the address of a tor on a private network.
func TestNoTestGoesPublic(t *testing.T) {
	tree, looked := os.DirFS("../.."), 0
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (path == "var" || path == ".git") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, ".txtar") || strings.HasPrefix(path, "deploy/imports/") {
			return nil
		}
		raw, err := fs.ReadFile(tree, path)
		looked++
		for line := range strings.Lines(string(raw)) {
			runs := strings.Contains(line, "--tor=public") || strings.Contains(line, "--tor public")
			if runs && !strings.Contains(line, "--tor-control") && !strings.HasPrefix(strings.TrimSpace(line), "#") {
				t.Errorf("%s starts a tor on the public network: %s", path, strings.TrimSpace(line))
			}
		}
		return err
	})
	if err != nil || looked < 50 {
		t.Fatalf("looked at %d files: %v", looked, err)
	}
}
