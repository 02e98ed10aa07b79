package admin_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sourdine/vault/admin"
)

// A file system on which deletions leave keys behind is said.
func TestOverwriteProblem(t *testing.T) {
	if p := admin.OverwriteProblem(true, nil); p != "" {
		t.Errorf("it overwrites: %q", p)
	}
	if p := admin.OverwriteProblem(false, nil); !strings.Contains(p, "does not overwrite") || !strings.Contains(p, "ext4 or xfs") {
		t.Errorf("it does not: %q", p)
	}
	if p := admin.OverwriteProblem(true, errors.New("no answer")); !strings.Contains(p, "(no answer)") {
		t.Errorf("nobody knows: %q", p)
	}
	local := serving(t, newHome(t))
	overwrites, err := local.Vault().Overwrites()
	if err != nil {
		t.Fatal(err)
	}
	if said := problem(t, local, "does not overwrite") != ""; said == overwrites {
		t.Errorf("it overwrites: %v; the status says that it does not: %v", overwrites, said)
	}
}

// The vault that an upgrade kept is said as long as it is there, and not only by the
// program that upgraded.
func TestKeptVaultIsSaid(t *testing.T) {
	h := newHome(t)
	local := serving(t, h)
	if p := problem(t, local, "vault.v1.db"); p != "" {
		t.Errorf("there is none: %q", p)
	}
	kept := filepath.Join(filepath.Dir(h.Vault()), "vault.v1.db")
	if err := os.WriteFile(kept, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := problem(t, local, "vault.v1.db", "opens what was deleted", "remove it"); p == "" {
		t.Error("nobody says that the old vault is there")
	}
	if err := os.Remove(kept); err != nil || problem(t, local, "vault.v1.db") != "" {
		t.Errorf("removed: %v", err)
	}
}
