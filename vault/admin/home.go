package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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

	maxKeyFile = 4 << 10 // bytes; no checkpoint has more either
)

// A Home is a server's folder.
//
//	vault.db           sealed submissions, channels, mailboxes (vault/FORMAT.md)
//	vault.slots        the keys that wrap the envelopes
//	vault.key          signs parcels; desks pin its public part
//	onion/source.key   names the source's site
//	onion/pickup.key   names pickup
//	tor/               tor's own state
//	run/               sockets, while the server runs
//	forks/             checkpoints of another log that desks were shown, if any
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

// forksName is the one part that a home may be without.
const forksName = "forks"

func (h Home) forks() string { return filepath.Join(h.dir, forksName) }

func (h Home) vaultKey() string { return filepath.Join(h.dir, "vault.key") }

// Sites of a home, as its onion keys and sockets are named.
const (
	SourceSite = "source"
	PickupSite = "pickup"
)

// OpenHome finds a home that Create made, or returns [ErrNoHome]; an error that
// wraps [fs.ErrPermission] when this user may not look.
func OpenHome(dir string) (Home, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, fmt.Errorf("failed to open home: %w", err)
	}
	h := Home{abs}
	for _, path := range []string{h.Vault(), h.vaultKey()} {
		switch _, err := os.Stat(path); {
		case errors.Is(err, fs.ErrPermission):
			return h, fmt.Errorf("failed to open home: %w", err)
		case err != nil:
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
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, fmt.Errorf("%s is not a file", filepath.Base(path))
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("%s is larger than the %d bytes that it can have", filepath.Base(path), maxKeyFile)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read key: %w", err)
	}
	return raw, nil
}
