package admin

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"sourdine/vault"
	"sourdine/vault/backup"
	"sourdine/vault/seal"
)

// Backup writes a backup of the home, sealed to a certificate, to w. What is
// pending joins the log first, where that is possible, so that it has its places
// when desks are shown it.
func (l *Local) Backup(ctx context.Context, w io.Writer, certificate []byte) error {
	to, err := seal.ParseCertificate(certificate, l.now())
	if err != nil {
		return refused(err)
	}
	contents := backup.Contents{Day: l.now().UTC().Format(time.DateOnly), PublicKey: l.publicKey}
	if contents.VaultKey, err = readSmall(l.home.vaultKey()); err != nil {
		return err
	}
	if contents.OnionKeys, err = l.home.onionKeys(); err != nil {
		return err
	}
	// On a full disk a backup is needed all the more.
	if _, err := l.vault.Batch(ctx); err != nil && !l.isStorage(err) {
		return err
	}
	return l.vault.Snapshot(ctx, func(s *vault.Snapshot) error {
		contents.LogSize, contents.LogRoot = s.LogSize(), s.LogRoot()
		contents.Slots, contents.VaultSize = s.Slots(), s.VaultSize()
		contents.Vault = func(w io.Writer) error { return s.WriteVault(ctx, w) }
		return backup.Write(w, to, l.now(), contents)
	})
}

// onionKeys reads all onion service keys, by site.
func (h Home) onionKeys() (map[string][]byte, error) {
	const anySite = "*"
	paths, err := filepath.Glob(h.OnionKey(anySite))
	if err != nil {
		return nil, fmt.Errorf("failed to find the onion keys: %w", err)
	}
	keys := map[string][]byte{}
	for _, path := range paths {
		site := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		if keys[site], err = h.ReadOnionKey(site); err != nil {
			return nil, err
		}
	}
	return keys, nil
}
