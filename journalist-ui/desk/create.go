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

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/journalist-ui/casebook"
	"sourdine/vault/card"
	"sourdine/vault/clientkey"
)

// Create makes a home with new keys for the reviewer called name (as
// [card.Card] allows), locked with the passphrase. The folder must not exist, or
// be empty; else the error is [ErrExists]. An error leaves nothing behind; what a
// crash leaves behind is no home to [Open], and Create says so.
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
	made, err := claim(home)
	if err != nil {
		return err
	}
	if err := h.write(ctx, home); err != nil {
		return errors.Join(err, discard(home, made))
	}
	return syncFolder(filepath.Dir(filepath.Clean(home)))
}

// claim makes the folder, unless it is there, and takes possession of it: of two
// programs that create a home in it at once, one gets [ErrExists].
func claim(home string) (made bool, err error) {
	_, err = os.Lstat(home)
	made = errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(home, folderMode); err != nil {
		return made, fmt.Errorf("failed to create the home: %w", err)
	}
	if err := os.Chmod(home, folderMode); err != nil {
		return made, fmt.Errorf("failed to close the home to others: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(home, lockName), os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	if errors.Is(err, fs.ErrExist) {
		return made, checkFolder(home)
	}
	if err != nil {
		return made, fmt.Errorf("failed to create the home: %w", err)
	}
	return made, f.Close()
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
func (h *newborn) write(ctx context.Context, home string) error {
	for _, f := range h.files {
		if err := writeFile(home, f.name, f.data); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(home, sealedName), folderMode); err != nil {
		return fmt.Errorf("failed to create the home: %w", err)
	}
	book, err := casebook.Create(ctx, filepath.Join(home, casebookName), h.casebookKey, h.fingerprint)
	if err != nil {
		return err
	}
	if err := book.Close(); err != nil {
		return err
	}
	return writeFile(home, markName, append(h.mark, '\n'))
}

// discard takes back what write did in a folder that was empty.
func discard(home string, made bool) error {
	entries, err := os.ReadDir(home)
	if err != nil {
		return err
	}
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(home, e.Name())))
	}
	if made {
		err = errors.Join(err, os.Remove(home))
	}
	return err
}

// Card returns the reviewer's card, for the admin. It needs no passphrase: a
// card holds public parts only.
func Card(home string) ([]byte, error) {
	if _, err := readMark(home); err != nil {
		return nil, err
	}
	raw, err := readFile(filepath.Join(home, cardName), card.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("failed to read the card: %w", err)
	}
	if _, err := card.Parse(raw); err != nil {
		return nil, fmt.Errorf("the home's %s is damaged: %w", cardName, err)
	}
	return raw, nil
}

// Fingerprint returns that of the reviewer's certificate, without passphrase.
func Fingerprint(home string) (string, error) {
	m, err := readMark(home)
	return m.Fingerprint, err
}
