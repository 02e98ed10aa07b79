package desktest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/journalist-ui/desk"
	"sourdine/vault/card"
)

// Passphrase opens every home of this package.
const Passphrase = "quatre cents fraises bleutées"

// NewHome returns the folder of a desk's home. All homes of one test program are
// the same reviewer's: they are copies of one.
func NewHome(t testing.TB) string {
	t.Helper()
	return copyOf(t, template)
}

// NewOtherHome is [NewHome] of another reviewer.
func NewOtherHome(t testing.TB) string {
	t.Helper()
	return copyOf(t, otherTemplate)
}

func copyOf(t testing.TB, template func() (fstest.MapFS, error)) string {
	t.Helper()
	files, err := template()
	if err != nil {
		t.Fatalf("failed to make a home: %v", err)
	}
	home := filepath.Join(t.TempDir(), "home")
	if err := os.CopyFS(home, files); err != nil {
		t.Fatalf("failed to copy a home: %v", err)
	}
	return home
}

// Open opens a home and closes it when the test ends.
func Open(t testing.TB, home string) *desk.Desk {
	t.Helper()
	d, err := desk.Open(context.Background(), home, []byte(Passphrase))
	if err != nil {
		t.Fatalf("failed to open the home: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("failed to close the home: %v", err)
		}
	})
	return d
}

// New is an open desk in a new home.
func New(t testing.TB) *desk.Desk {
	t.Helper()
	return Open(t, NewHome(t))
}

// Certificate returns the certificate on the home's card, armored.
func Certificate(t testing.TB, home string) []byte {
	t.Helper()
	raw, err := desk.Card(home)
	if err != nil {
		t.Fatalf("failed to read the card: %v", err)
	}
	c, err := card.Parse(raw)
	if err != nil {
		t.Fatalf("failed to parse the card: %v", err)
	}
	return []byte(c.Certificate)
}

// These are computed once per program and never changed.
var (
	template      = sync.OnceValues(func() (fstest.MapFS, error) { return newTemplate("Élise Nice") })
	otherTemplate = sync.OnceValues(func() (fstest.MapFS, error) { return newTemplate("Jean Nice") })
)

// newTemplate makes a home, and takes its files.
func newTemplate(name string) (fstest.MapFS, error) {
	folder, err := os.MkdirTemp("", "desktest-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	home := filepath.Join(folder, "home")
	if err := desk.Create(context.Background(), home, name, []byte(Passphrase)); err != nil {
		return nil, err
	}
	if err := relock(home); err != nil {
		return nil, err
	}
	files := fstest.MapFS{"sealed": &fstest.MapFile{Mode: os.ModeDir | 0o700}}
	entries, err := os.ReadDir(home)
	for _, e := range entries {
		if !e.IsDir() && err == nil {
			var data []byte
			data, err = os.ReadFile(filepath.Join(home, e.Name()))
			files[e.Name()] = &fstest.MapFile{Data: data, Mode: 0o600}
		}
	}
	return files, err
}

// relock changes how the passphrase locks the key of a home.
func relock(home string) error {
	path := filepath.Join(home, "key.asc")
	locked, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(locked))
	if err != nil || len(ring) != 1 {
		return errors.Join(err, errors.New("key.asc does not hold one key"))
	}
	config := &packet.Config{
		DefaultCipher: packet.CipherAES256, AEADConfig: &packet.AEADConfig{DefaultMode: packet.AEADModeOCB},
		S2KConfig: &s2k.Config{S2KMode: s2k.Argon2S2K, Argon2Config: &s2k.Argon2Config{NumberOfPasses: 1, DegreeOfParallelism: 1, Memory: 64}},
	}
	err = errors.Join(ring[0].DecryptPrivateKeys([]byte(Passphrase)), ring[0].EncryptPrivateKeys([]byte(Passphrase), config))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w, err := armor.EncodeWithChecksumOption(&b, openpgp.PrivateKeyType, nil, false)
	if err == nil {
		err = errors.Join(ring[0].SerializePrivateWithoutSigning(w, nil), w.Close())
	}
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	return errors.Join(err, remark(home, b.Bytes()))
}

// remark enters the new file's digest in desk.json.
func remark(home string, locked []byte) error {
	path := filepath.Join(home, "desk.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var mark map[string]any
	if err := json.Unmarshal(raw, &mark); err != nil {
		return fmt.Errorf("desk.json: %w", err)
	}
	digest := sha256.Sum256(locked)
	mark["key_sha256"] = hex.EncodeToString(digest[:])
	if raw, err = json.Marshal(mark); err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}
