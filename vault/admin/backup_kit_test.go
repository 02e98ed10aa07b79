package admin_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/vaulttest"
)

// backedUp makes a backup through a, and opens it with a key of the admin's.
func backedUp(t testing.TB, a admin.Admin) []byte {
	t.Helper()
	k := vaulttest.NewKey(t, vaulttest.X25519)
	var sealed bytes.Buffer
	if err := a.Backup(ctx, &sealed, k.Certificate(t)); err != nil {
		t.Fatal(err)
	}
	tar, err := k.Open(sealed.Bytes(), strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	return tar
}

// restored makes a home from a backup, and serves it.
func restored(t testing.TB, tar []byte) (admin.Restoration, *admin.Local) {
	t.Helper()
	done, err := admin.Restore(ctx, filepath.Join(t.TempDir(), "home"), bytes.NewReader(tar))
	if err != nil {
		t.Fatal(err)
	}
	if err := vaulttest.Check(done.Home.Vault()); err != nil {
		t.Errorf("the restored vault: %v", err)
	}
	if r, err := vault.Verify(ctx, done.Home.Vault(), vault.VerifyOptions{}); err != nil || len(r.Damage)+len(r.Submissions)+len(r.Unchecked) > 0 {
		t.Errorf("the restored vault: %+v, %v", r, err)
	}
	local := serving(t, done.Home)
	if leaf, ok, err := local.Vault().LastRestored(); err != nil || !ok || leaf != done.Leaf || leaf.Size != done.Manifest.LogSize {
		t.Errorf("the log says %+v, %v, %v; Restore %+v", leaf, ok, err, done)
	}
	return done, local
}

// at is the same desk, when it sends to another server.
func (d *desk) at(local *admin.Local) *desk {
	other := *d
	other.local = local
	return &other
}

// seesAnotherLog has the server keep the proof that this desk was shown one.
func (d *desk) seesAnotherLog() {
	d.t.Helper()
	o := d.next()
	o.Checkpoint = d.checkpoint(o.Seen, [32]byte{1})
	if _, err := d.local.ApplyParcel(ctx, bytes.NewReader(d.pack(o, nil))); !errors.Is(err, admin.ErrOtherLog) {
		d.t.Fatal(err)
	}
	d.sequence--
}
