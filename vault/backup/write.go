package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"sourdine/vault/seal"
)

// maxPadded is how much may be sealed with padding: from 256 GiB on the padding
// of a size class can be more than one OpenPGP packet holds.
const maxPadded = 256 << 30

//go:embed README.txt
var readme []byte

// Contents is what goes into a backup.
type Contents struct {
	Day       string // UTC, "2006-01-02"
	PublicKey string // of the vault
	LogSize   int64
	LogRoot   [32]byte

	VaultKey  []byte            // the file
	OnionKeys map[string][]byte // the files, by site
	Forks     map[string][]byte // checkpoints of other logs, by who was shown them: fingerprints
	Slots     []byte            // the file
	VaultSize int64             // bytes
	Vault     func(io.Writer) error
}

// Write writes a backup to w, sealed to a certificate that must be valid at the
// time now. It is whole only if Write returns nil.
func Write(w io.Writer, to *seal.Certificate, now time.Time, c Contents) error {
	sealer, err := seal.New(seal.Roster{to}, now)
	if err != nil {
		return err
	}
	if c.VaultSize > maxPadded-maxSlots-maxText && to.Version() > 4 {
		return fmt.Errorf("the vault has %d bytes, more than can be sealed to a certificate of this kind", c.VaultSize)
	}
	if _, err := w.Write(sealer.Envelope()); err != nil {
		return fmt.Errorf("failed to write the backup: %w", err)
	}
	item, err := sealer.Item(w)
	if err != nil {
		return err
	}
	if err := writeTar(item, c); err != nil {
		return err // unclosed: no program takes it for whole
	}
	return item.Close()
}

func writeTar(w io.Writer, c Contents) error {
	made, err := midnight(c.Day)
	if err != nil {
		return err
	}
	out := &writer{tar: tar.NewWriter(w), made: made}
	for _, step := range []func() error{
		func() error { return out.bytes(readmeName, readme) },
		func() error { return out.bytes(keyName, c.VaultKey) },
		func() error { return out.several(named(onionFolder, c.OnionKeys, ".key"), onionRank) },
		func() error { return out.several(named(forksFolder, c.Forks, ".checkpoint"), forkRank) },
		func() error { return out.bytes(slotsName, c.Slots) },
		func() error { return out.file(vaultName, c.VaultSize, c.Vault) },
		func() error { return out.end(c) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("failed to write the backup: %w", err)
		}
	}
	return nil
}

// A writer writes the tar's entries, in the order in which it is told.
type writer struct {
	tar   *tar.Writer
	made  time.Time
	files []File
}

func (w *writer) file(name string, size int64, content func(io.Writer) error) error {
	h := header(name, size, w.made)
	// What no reader would take must not be found when it is needed.
	if err := checkHeader(h); err != nil {
		return err
	}
	if err := w.tar.WriteHeader(h); err != nil {
		return err
	}
	digest := sha256.New()
	if err := content(io.MultiWriter(w.tar, digest)); err != nil {
		return err
	}
	w.files = append(w.files, File{Name: name, Size: size, SHA256: hex.EncodeToString(digest.Sum(nil))})
	return w.tar.Flush() // fails when it is not as long as it said
}

func (w *writer) bytes(name string, content []byte) error {
	return w.file(name, int64(len(content)), func(to io.Writer) error {
		_, err := io.Copy(to, bytes.NewReader(content))
		return err
	})
}

// named puts the names of a map's files together.
func named(folder string, files map[string][]byte, suffix string) map[string][]byte {
	all := make(map[string][]byte, len(files))
	for name, content := range files {
		all[folder+name+suffix] = content
	}
	return all
}

// several writes the files of a kind that there may be none or many of.
func (w *writer) several(files map[string][]byte, kind int) error {
	if len(files) > most(kind) {
		return fmt.Errorf("there are %d files of a kind of which a backup holds %d", len(files), most(kind))
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if rank, _ := place(name); rank != kind {
			return fmt.Errorf("%q is not the name of a file that a home has", name)
		}
		if err := w.bytes(name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) end(c Contents) error {
	manifest := Manifest{Version: Version, Day: c.Day, VaultKey: c.PublicKey,
		LogSize: c.LogSize, LogRoot: hex.EncodeToString(c.LogRoot[:]), Files: w.files}
	raw, err := manifest.encode()
	if err != nil {
		return err
	}
	if err := w.bytes(manifestName, raw); err != nil {
		return err
	}
	return w.tar.Close()
}
