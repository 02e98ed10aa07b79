package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"sourdine/vault"
	"sourdine/vault/parcel"
)

// Errors that callers branch on.
var (
	// ErrHomeExists: [Create] found something at that place.
	ErrHomeExists = errors.New("there is something at that place already")
	// ErrNoHome: there is no home, or only a part of one.
	ErrNoHome = errors.New("there is no home at that place")
)

const (
	dirMode  = 0o700
	fileMode = 0o600

	maxKeyFile = 4 << 10 // bytes
)

// A Home is a server's folder.
//
//	vault.db           sealed submissions, channels, mailboxes (vault/FORMAT.md)
//	vault.key          signs parcels; desks pin its public part
//	onion/source.key   names the source's site
//	onion/pickup.key   names pickup
//	tor/               tor's own state
//	run/               sockets, while the server runs
type Home struct{ dir string }

// Vault is the path of the vault's file.
func (h Home) Vault() string { return filepath.Join(h.dir, "vault.db") }

// TorDir is where tor keeps its state; what it learns of a private network and
// of the public one stays apart.
func (h Home) TorDir(network string) string { return filepath.Join(h.dir, "tor", network) }

// Socket is the path of a socket that the running server listens on.
func (h Home) Socket(name string) string { return filepath.Join(h.dir, "run", name+".sock") }

// OnionKey is the path of a site's onion service key.
func (h Home) OnionKey(site string) string { return filepath.Join(h.dir, "onion", site+".key") }

func (h Home) vaultKey() string { return filepath.Join(h.dir, "vault.key") }

// Sites of a home, as its onion keys and sockets are named.
const (
	SourceSite = "source"
	PickupSite = "pickup"
)

// Create makes a home in dir, which must not exist or be empty, with the given
// onion service keys by site. It is built beside dir and moved there whole.
func Create(dir string, onionKeys map[string][]byte) (Home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, fmt.Errorf("failed to create home: %w", err)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Home{}, ErrHomeExists
	}
	if err := os.MkdirAll(filepath.Dir(dir), dirMode); err != nil {
		return Home{}, fmt.Errorf("failed to create home: %w", err)
	}
	building, err := os.MkdirTemp(filepath.Dir(dir), ".sourdine-home-")
	if err != nil {
		return Home{}, fmt.Errorf("failed to create home: %w", err)
	}
	defer os.RemoveAll(building)
	if err := fill(Home{building}, onionKeys); err != nil {
		return Home{}, err
	}
	// os.Rename would not put it in the place of an empty folder.
	switch err := syscall.Rename(building, dir); {
	case errors.Is(err, fs.ErrExist): // someone was faster
		return Home{}, ErrHomeExists
	case err != nil:
		return Home{}, fmt.Errorf("failed to create home at %s: %w", dir, err)
	}
	return Home{dir}, syncDir(filepath.Dir(dir))
}

func fill(h Home, onionKeys map[string][]byte) error {
	for _, sub := range []string{"onion", "tor", "run"} {
		if err := os.Mkdir(filepath.Join(h.dir, sub), dirMode); err != nil {
			return fmt.Errorf("failed to create home: %w", err)
		}
	}
	secret, _, err := parcel.NewVaultKey()
	if err != nil {
		return err
	}
	if err := writeFile(h.vaultKey(), []byte(secret+"\n")); err != nil {
		return err
	}
	for site, key := range onionKeys {
		if err := writeFile(h.OnionKey(site), key); err != nil {
			return err
		}
	}
	if err := vault.Create(h.Vault()); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Join(h.dir, "onion")), syncDir(h.dir))
}

// writeFile writes a new file and waits until it is on stable storage.
func writeFile(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("failed to create home: %w", err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("failed to create home: %w", err)
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("failed to sync folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenHome finds a home that Create made, or returns [ErrNoHome].
func OpenHome(dir string) (Home, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, fmt.Errorf("failed to open home: %w", err)
	}
	h := Home{abs}
	for _, path := range []string{h.Vault(), h.vaultKey()} {
		if _, err := os.Stat(path); err != nil {
			return h, ErrNoHome
		}
	}
	// A home that was restored from a backup may lack its empty folders.
	for _, path := range []string{h.TorDir(""), filepath.Dir(h.Socket(""))} {
		if err := os.MkdirAll(path, dirMode); err != nil {
			return h, fmt.Errorf("failed to open home: %w", err)
		}
	}
	return h, nil
}

// ReadOnionKey reads a site's onion service key.
func (h Home) ReadOnionKey(site string) ([]byte, error) { return readSmall(h.OnionKey(site)) }

func (h Home) readVaultKey() (string, error) {
	raw, err := readSmall(h.vaultKey())
	return strings.TrimSpace(string(raw)), err
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read key: %w", err)
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("%s is too large for a key", filepath.Base(path))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read key: %w", err)
	}
	return raw, nil
}
