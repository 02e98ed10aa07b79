package admin_test

import (
	"strings"
	"testing"

	"sourdine/vault/admin"
)

// A vault that is damaged in one place has a status that says so, with all that
// can still be read.
func TestStatusOfADamagedVault(t *testing.T) {
	h := newHome(t)
	local, err := admin.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	id := fill(t, local.Vault(), 100)
	fill(t, local.Vault(), 100)
	if err := local.Close(); err != nil {
		t.Fatal(err)
	}
	flip(t, h.Vault(), "submissions", id[:])
	if local, err = admin.Open(h); err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	s, err := local.Status(ctx)
	if err != nil || len(s.Channels) != 1 || s.Log.Pending == 0 || !strings.Contains(strings.Join(s.Problems, "\n"), "the vault is damaged: ") {
		t.Errorf("%+v, %v", s, err)
	}
	t.Log(s.Problems)
}
