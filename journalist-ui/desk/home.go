package desk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/unseal"
	"sourdine/vault/clientkey"
)

// The files of a home; FORMAT.md has a section on each.
const (
	markName        = "desk.json" // written last: it says that the home is finished
	keyName         = "key.asc"
	cardName        = "card.json"
	clientKeyName   = "client-key.pgp"
	casebookKeyName = "casebook-key.pgp"
	casebookName    = "casebook.db"
	vaultKeyName    = "vault-key"
	sealedName      = "sealed"
	lockName        = "import.lock"

	partialSuffix = ".partial"

	markVersion = 1
	maxMark     = 64 << 10 // bytes
	maxKey      = 1 << 20  // bytes
)

// A mark describes a finished home.
type mark struct {
	Version     int    `json:"sourdine_desk"`
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	// KeySHA256 tells a damaged key file from a wrong passphrase.
	KeySHA256 string `json:"key_sha256"`
}

// A Desk is an open home. Its methods may be called from several goroutines, and
// several processes may have the same home open.
type Desk struct {
	home string
	mark mark
	key  *unseal.Key
	book *casebook.Casebook
}

// Open unlocks a home. It returns [ErrNoHome] when there is none, and
// [ErrPassphrase].
func Open(ctx context.Context, home string, passphrase []byte) (*Desk, error) {
	m, err := readMark(home)
	if err != nil {
		return nil, err
	}
	d := &Desk{home: home, mark: m}
	if err := d.unlock(passphrase); err != nil {
		return nil, err
	}
	key, err := d.casebookKey()
	if err != nil {
		return nil, err
	}
	if d.book, err = casebook.Open(ctx, d.path(casebookName), key, m.Fingerprint); err != nil {
		return nil, err
	}
	return d, nil
}

func readMark(home string) (mark, error) {
	var m mark
	raw, err := readFile(filepath.Join(home, markName), maxMark)
	if errors.Is(err, fs.ErrNotExist) {
		return m, ErrNoHome
	}
	if err != nil {
		return m, fmt.Errorf("failed to read the home: %w", err)
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, fmt.Errorf("the home's %s is damaged", markName)
	}
	if m.Version != markVersion {
		return m, fmt.Errorf("the home has version %d, this program knows %d", m.Version, markVersion)
	}
	return m, nil
}

func (d *Desk) unlock(passphrase []byte) error {
	locked, err := readFile(d.path(keyName), maxKey)
	if err != nil {
		return fmt.Errorf("failed to read the reviewer's key: %w", err)
	}
	if digest := sha256.Sum256(locked); hex.EncodeToString(digest[:]) != d.mark.KeySHA256 {
		return fmt.Errorf("the home's %s is damaged: restore it from a copy", keyName)
	}
	entity, err := unlock(locked, passphrase)
	if err != nil {
		return err
	}
	if fingerprint(entity) != d.mark.Fingerprint {
		return fmt.Errorf("the home's %s is damaged", markName)
	}
	d.key, err = unseal.NewKey(entity)
	return err
}

// Close ends the use of the home.
func (d *Desk) Close() error { return d.book.Close() }

// Casebook is the desk's memory. It is closed with the desk.
func (d *Desk) Casebook() *casebook.Casebook { return d.book }

// Name is the reviewer's name, as on the card.
func (d *Desk) Name() string { return d.mark.Name }

// Fingerprint is that of the reviewer's certificate: 64 upper-case hexadecimal
// digits.
func (d *Desk) Fingerprint() string { return d.mark.Fingerprint }

// ClientKey returns the private key that opens the pickup site to the reviewer's
// Tor Browser.
func (d *Desk) ClientKey() (clientkey.Private, error) {
	secret, err := d.secret(clientKeyName)
	if err != nil {
		return clientkey.Private{}, err
	}
	return clientkey.ParsePrivate(string(bytes.TrimSpace(secret)))
}

func (d *Desk) casebookKey() (key [32]byte, err error) {
	secret, err := d.secret(casebookKeyName)
	if err != nil {
		return key, err
	}
	raw := bytes.TrimSpace(secret)
	if hex.DecodedLen(len(raw)) != len(key) {
		return key, fmt.Errorf("the home's %s is damaged", casebookKeyName)
	}
	if _, err := hex.Decode(key[:], raw); err != nil {
		return key, fmt.Errorf("the home's %s is damaged", casebookKeyName)
	}
	return key, nil
}

func (d *Desk) secret(name string) ([]byte, error) {
	message, err := readFile(d.path(name), maxMessage)
	if err != nil {
		return nil, fmt.Errorf("failed to read the home: %w", err)
	}
	secret, err := d.key.OpenMessage(message, maxSecret)
	if err != nil {
		return nil, fmt.Errorf("failed to open the home's %s: %w", name, err)
	}
	return secret, nil
}

func (d *Desk) path(name string) string { return filepath.Join(d.home, name) }
