package desktest

import (
	"bytes"
	"context"
	"path/filepath"

	"sourdine/vault/admin"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// Backup is a backup of the server, opened by the admin.
func (v *Vault) Backup() []byte {
	v.t.Helper()
	key := vaulttest.NewKey(v.t, vaulttest.X25519)
	var sealed bytes.Buffer
	if err := v.server.Backup(context.Background(), &sealed, key.Certificate(v.t)); err != nil {
		v.t.Fatalf("failed to back up: %v", err)
	}
	tar, err := key.Open(sealed.Bytes(), bytes.NewReader(nil))
	if err != nil {
		v.t.Fatalf("failed to open a backup: %v", err)
	}
	return tar
}

// Restore is the server on another machine, from a backup, and the leaf of the
// restoration, which the admin tells in words. This one goes on as if nothing were.
func (v *Vault) Restore(backup []byte) (restored *Vault, leaf string) {
	v.t.Helper()
	folder := filepath.Join(v.t.TempDir(), "restored")
	done, err := admin.Restore(context.Background(), folder, bytes.NewReader(backup))
	if err != nil {
		v.t.Fatalf("failed to restore: %v", err)
	}
	restored = serve(v.t, done.Home, folder)
	restored.Channel, restored.Day = v.Channel, v.Day
	raw, err := translog.Encode(done.Leaf)
	if err != nil {
		v.t.Fatal(err)
	}
	return restored, string(raw)
}
