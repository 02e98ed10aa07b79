package admin_test

import (
	"errors"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

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
	db, err := bolt.Open(h.Vault(), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("submissions"))
		header := append([]byte(nil), b.Get(id[:])...)
		header[3] ^= 1
		return b.Put(id[:], header)
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
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
