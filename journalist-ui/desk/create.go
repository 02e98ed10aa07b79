package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/journalist-ui/casebook"
	"sourdine/vault/card"
	"sourdine/vault/clientkey"
)

// Create makes a home with new keys for the reviewer called name (as
// [card.Card] allows), locked with the passphrase. The folder must not exist, or
// be empty; else the error is [ErrExists]. Folders above it are made where they
// are missing. An error leaves nothing behind that was not there before, and
// takes nothing away that someone else put there meanwhile; what a crash leaves
// behind is no home to [Open], and Create says so.
func Create(ctx context.Context, home, name string, passphrase []byte) error {
	if err := checkPassphrase(passphrase); err != nil {
		return err
	}
	if err := checkFolder(home); err != nil {
		return err
	}
	h, err := newHome(name, passphrase)
	if err != nil {
		return err
	}
	c, err := claim(home)
	if err != nil {
		return err
	}
	err = h.write(ctx, c)
	if err == nil {
		err = c.syncAbove()
	}
	if err != nil {
		return errors.Join(err, c.discard())
	}
	return nil
}

// checkFolder refuses a folder that is in use.
func checkFolder(home string) error {
	entries, err := os.ReadDir(home)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("failed to look into the folder: %w", err)
	case len(entries) == 0:
		return nil
	}
	if _, err := os.Lstat(filepath.Join(home, markName)); err == nil {
		return fmt.Errorf("%w: it holds a desk's home already", ErrExists)
	}
	if _, err := os.Lstat(filepath.Join(home, lockName)); err == nil {
		return fmt.Errorf("%w: an earlier creation of a home was interrupted there, its keys were never used", ErrExists)
	}
	return fmt.Errorf("%w: it is not empty", ErrExists)
}

// A newborn home, in memory.
type newborn struct {
	files       []file // in the order of writing
	casebookKey [32]byte
	fingerprint string
	mark        []byte
}

type file struct {
	name string
	data []byte
}

func newHome(name string, passphrase []byte) (*newborn, error) {
	entity, err := generate()
	if err != nil {
		return nil, err
	}
	h := &newborn{fingerprint: fingerprint(entity)}
	if err := h.addClientKey(entity, name); err != nil {
		return nil, err
	}
	rand.Read(h.casebookKey[:])
	if err := h.addSecret(casebookKeyName, entity, hex.EncodeToString(h.casebookKey[:])); err != nil {
		return nil, err
	}
	// Last: from here on the entity is locked.
	locked, err := armorLocked(entity, passphrase)
	if err != nil {
		return nil, err
	}
	h.files = append(h.files, file{keyName, locked})
	digest := sha256.Sum256(locked)
	h.mark, err = json.MarshalIndent(mark{
		Version: markVersion, Name: name, Fingerprint: h.fingerprint, KeySHA256: hex.EncodeToString(digest[:]),
	}, "", "  ")
	return h, err
}

// addClientKey makes the reviewer's Tor client key: its public half goes on the
// card, its private half is sealed.
func (h *newborn) addClientKey(entity *openpgp.Entity, name string) error {
	client, err := clientkey.New()
	if err != nil {
		return err
	}
	certificate, err := armorCertificate(entity)
	if err != nil {
		return err
	}
	public, err := card.Card{Name: name, Certificate: string(certificate), ClientKey: client.Public().String()}.Encode()
	if err != nil {
		return err
	}
	h.files = append(h.files, file{cardName, public})
	return h.addSecret(clientKeyName, entity, client.Encode())
}

func (h *newborn) addSecret(name string, entity *openpgp.Entity, secret string) error {
	message, err := secretFor(entity, []byte(secret+"\n"))
	if err != nil {
		return err
	}
	h.files = append(h.files, file{name, message})
	return nil
}

// write puts the home on disk, the mark last.
func (h *newborn) write(ctx context.Context, c *claimed) error {
	for _, f := range h.files {
		if err := c.write(f.name, f.data); err != nil {
			return err
		}
	}
	if err := os.Mkdir(c.path(sealedName), folderMode); err != nil {
		return fmt.Errorf("failed to create the home: %w", err)
	}
	c.written = append(c.written, sealedName)
	book, err := casebook.Create(ctx, c.path(casebookName), h.casebookKey, h.fingerprint)
	if err != nil {
		return err
	}
	c.written = append(c.written, casebookName, casebookName+"-journal")
	if err := book.Close(); err != nil {
		return err
	}
	return c.writeMark(append(h.mark, '\n'))
}

// Card returns the reviewer's card, for the admin. It needs no passphrase: a
// card holds public parts only. A card that is not of this home's key is an
// error: whoever is on a roster reads what is sealed to it.
func Card(home string) ([]byte, error) {
	m, err := readMark(home)
	if err != nil {
		return nil, err
	}
	raw, err := readFile(filepath.Join(home, cardName), card.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("failed to read the card: %w", err)
	}
	c, err := card.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("the home's %s is damaged: %w", cardName, err)
	}
	ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(c.Certificate))
	if err != nil || len(ring) != 1 || ring[0].PrivateKey != nil || fingerprint(ring[0]) != m.Fingerprint {
		return nil, fmt.Errorf("the home's %s is damaged: its certificate is not that of this home's key", cardName)
	}
	return raw, nil
}

// Fingerprint returns that of the reviewer's certificate, without passphrase.
func Fingerprint(home string) (string, error) {
	m, err := readMark(home)
	return m.Fingerprint, err
}
