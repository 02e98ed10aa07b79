package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
	if contents.OnionKeys, err = readEach(l.home.OnionKey("")); err != nil {
		return err
	}
	contents.Forks = l.home.readForks()
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

// readEach reads the small files that [filesLike] finds, by what stands before the
// end of their names.
func readEach(like string) (map[string][]byte, error) {
	paths, err := filesLike(like)
	if err != nil {
		return nil, fmt.Errorf("failed to list what is to be backed up: %w", err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), filepath.Base(like))
		if files[name], err = readSmall(path); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// filesLike lists the files of a folder whose names end like the one that is given,
// in the order of their names; none when there is no folder. Unlike with
// [filepath.Glob], the folder may have any name.
func filesLike(like string) (paths []string, err error) {
	folder, suffix := filepath.Split(like)
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths, nil
}
