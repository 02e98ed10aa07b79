package admin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sourdine/vault/admin"
)

// A home is checked wherever it stands: its path is no pattern.
func TestVerifyAnywhere(t *testing.T) {
	for _, name := range []string{"[", "a[b]c", "*", "?", `\`, "[^a]", "{a,b}"} {
		h, err := admin.Create(filepath.Join(t.TempDir(), name), onionKeys)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(h.Vault())
		if found := verified(t, dir); !found.Sound() || len(found.Unchecked) > 0 || found.Files != 3 {
			t.Errorf("%q: %+v", name, found)
		}
		write(t, h.OnionKey(admin.SourceSite), []byte("another"))
		if err := os.Mkdir(filepath.Join(dir, "forks"), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "forks", "F.checkpoint"), []byte("not one"))
		write(t, filepath.Join(dir, "forks", "F.checkpoint.new"), nil) // what a crash left
		found := verified(t, dir).Damage
		for _, damage := range []string{"onion/source.key is not what it was: ", "forks/F.checkpoint is damaged: "} {
			if len(found) != 2 || !strings.Contains(strings.Join(found, "\n"), damage) {
				t.Errorf("%q: %q is not in %q", name, damage, found)
			}
		}
	}
}
