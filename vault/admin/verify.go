package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
)

// A Verified is what [Verify] found in a home.
type Verified struct {
	vault.Report
	// Files counts the files beside the vault that are fine.
	Files int `json:"files"`
}

// Verify reads every byte of a home's files while nobody serves it, and tells
// what is damaged, what suffers, and what is fine; see [vault.Verify]. What tor
// keeps in tor/, and the sockets in run/, are not the home's own, and not read.
func Verify(ctx context.Context, dir string, o vault.VerifyOptions) (Verified, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Verified{}, fmt.Errorf("failed to verify home: %w", err)
	}
	h := Home{abs}
	report, err := vault.Verify(ctx, h.Vault(), o)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(h.vaultKey()); err != nil {
			return Verified{}, ErrNoHome
		}
		report, err = vault.Report{Damage: []string{"vault.db is missing: nothing of the vault is there"}, Submissions: []vault.Affected{}}, nil
	}
	if err != nil {
		return Verified{}, err
	}
	v := Verified{Report: report}
	if err := v.checkKeys(h); err != nil {
		return Verified{}, err
	}
	return v, errors.Join(v.checkForks(h), v.checkOthers(h))
}

func (v *Verified) damage(format string, args ...any) {
	v.Damage = append(v.Damage, fmt.Sprintf(format, args...))
}

// checkKeys compares the keys with the digests that the vault has of them.
func (v *Verified) checkKeys(h Home) error {
	found, err := h.digests()
	if err != nil {
		return err
	}
	for name, digest := range found {
		switch noted, ok := v.Report.Files[name]; {
		case !ok && len(v.Report.Files) > 0:
			v.Unchecked = append(v.Unchecked, name+": the vault does not know it yet, it will when the home was served")
		case ok && noted == digest:
			v.Files++
		}
	}
	for name, noted := range v.Report.Files {
		if problem := keyProblem(name, noted, found[name]); problem != "" {
			v.damage("%s", problem)
		}
	}
	if len(v.Report.Files) == 0 && len(found) > 0 && v.Sound() {
		v.Unchecked = append(v.Unchecked, "the key files: the vault does not know them yet, it will when the home was served")
	}
	slices.Sort(v.Damage)
	slices.Sort(v.Unchecked)
	return nil
}

const vaultKeyName = "vault.key"

// digests are the SHA-256 of the home's key files, by their names in it.
func (h Home) digests() (map[string]string, error) {
	paths, err := filesLike(h.OnionKey(""))
	if err != nil {
		return nil, fmt.Errorf("failed to find the onion keys: %w", err)
	}
	digests := map[string]string{}
	for _, path := range append(paths, h.vaultKey()) {
		raw, err := readSmall(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		name, err := filepath.Rel(h.dir, path)
		if err != nil {
			return nil, fmt.Errorf("failed to find the keys: %w", err)
		}
		digest := sha256.Sum256(raw)
		digests[filepath.ToSlash(name)] = hex.EncodeToString(digest[:])
	}
	return digests, nil
}

// noteKeys notes the digests of key files that the vault does not know yet. One
// that is not what it was it leaves to [Verify] and [Local.CheckKey]; and a vault that cannot be
// written now will be another time.
func (l *Local) noteKeys(ctx context.Context) {
	noted, err := l.vault.Files()
	found, err2 := l.home.digests()
	if errors.Join(err, err2) != nil {
		return
	}
	l.otherKey = keyProblem(vaultKeyName, noted[vaultKeyName], found[vaultKeyName]) != ""
	added := false
	for name, digest := range noted {
		if _, there := found[name]; !there || found[name] != digest {
			found[name] = digest
		}
	}
	for name := range found {
		_, known := noted[name]
		added = added || !known
	}
	if added {
		_ = l.vault.SetFiles(ctx, found)
	}
}

// checkForks checks the checkpoints of other logs, which their signatures cover.
func (v *Verified) checkForks(h Home) error {
	paths, err := filesLike(filepath.Join(h.forks(), forkSuffix))
	if err != nil {
		return fmt.Errorf("failed to look for other logs: %w", err)
	}
	secret, err := h.readVaultKey()
	var public string
	if err == nil {
		public, err = parcel.PublicKey(secret)
	}
	for _, path := range paths {
		name := "forks/" + filepath.Base(path)
		if err != nil {
			v.Unchecked = append(v.Unchecked, name+": it needs the vault's key")
			continue
		}
		raw, err := readSmall(path)
		if err == nil {
			_, err = translog.OpenCheckpoint(raw, public)
		}
		if err != nil || !strictNote(raw) {
			v.damage("%s is damaged: it proves that there was another log", name)
			continue
		}
		v.Files++
	}
	return nil
}

// strictNote tells whether no signature has a bit that its reader ignores: base
// 64 leaves some at the end.
func strictNote(raw []byte) bool {
	for line := range bytes.Lines(raw) {
		signature, ok := strings.CutPrefix(string(line), "— ")
		if !ok {
			continue
		}
		_, text, _ := strings.Cut(strings.TrimSuffix(signature, "\n"), " ")
		if _, err := base64.StdEncoding.Strict().DecodeString(text); err != nil {
			return false
		}
	}
	return true
}

// ours are the names in a home that are accounted for.
var ours = []string{"vault.db", "vault.slots", vaultKeyName, "onion", "tor", "run", "forks"}

// checkOthers names what nobody checked.
func (v *Verified) checkOthers(h Home) error {
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		return fmt.Errorf("failed to verify home: %w", err)
	}
	for _, e := range entries {
		if !slices.Contains(ours, e.Name()) {
			v.Unchecked = append(v.Unchecked, fmt.Sprintf("%q: it is not a part of the home", e.Name()))
		}
	}
	return nil
}
