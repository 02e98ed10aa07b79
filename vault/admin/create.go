package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"sourdine/vault"
	"sourdine/vault/parcel"
)

// buildingPrefix begins the name of the folder that a home is built in.
const buildingPrefix = ".sourdine-home-"

// Create makes a home in dir, which must not exist or be empty, with the given
// onion service keys by site. [OpenHome] finds it whole or not at all. Where
// there is nothing, the home is built beside dir and moved there; a folder that
// is there is filled, because it may be a mount point, or in a folder of
// another user. What an interrupted Create left in it is removed by the next.
func Create(dir string, onionKeys map[string][]byte) (Home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, creating(err)
	}
	switch _, err := os.ReadDir(dir); {
	case err == nil:
		return Home{dir}, createInside(dir, func(h Home) error { return fill(h, onionKeys) })
	case errors.Is(err, fs.ErrNotExist):
		return Home{dir}, createBeside(dir, onionKeys)
	case errors.Is(err, fs.ErrPermission):
		return Home{}, creating(err)
	}
	return Home{}, ErrHomeExists
}

func creating(err error) error { return fmt.Errorf("failed to create home: %w", err) }

// createBeside builds the home in dir's parent and moves it to dir.
func createBeside(dir string, onionKeys map[string][]byte) error {
	if err := os.MkdirAll(filepath.Dir(dir), dirMode); err != nil {
		return creating(err)
	}
	building, err := os.MkdirTemp(filepath.Dir(dir), buildingPrefix)
	if err != nil {
		return creating(err)
	}
	defer os.RemoveAll(building)
	if err := fill(Home{building}, onionKeys); err != nil {
		return err
	}
	// os.Rename would not put it in the place of an empty folder, which someone
	// may have made since.
	switch err := syscall.Rename(building, dir); {
	case errors.Is(err, fs.ErrExist): // someone was faster
		return ErrHomeExists
	case err != nil:
		return fmt.Errorf("failed to create home at %s: %w", dir, err)
	}
	return syncDir(filepath.Dir(dir))
}

// createInside builds the home in a hidden folder in dir and moves its parts up,
// the vault last: before it is there OpenHome finds no home.
func createInside(dir string, fill func(Home) error) (err error) {
	unlock, err := lockDir(dir)
	if err != nil {
		return creating(err)
	}
	defer unlock()
	if err := removeUnfinished(dir); err != nil {
		return err
	}
	building, err := os.MkdirTemp(dir, buildingPrefix)
	if err != nil {
		return creating(err)
	}
	if err := fill(Home{building}); err != nil {
		return errors.Join(err, os.RemoveAll(building))
	}
	if err := moveUp(building, dir); err != nil {
		return errors.Join(creating(err), removeUnfinished(dir))
	}
	return os.RemoveAll(building)
}

// movedFirst are a home's parts without the vault.
var movedFirst = []string{"onion", "tor", "run", forksName, "vault.key", "vault.slots"}

func moveUp(building, dir string) error {
	if err := os.Chmod(dir, dirMode); err != nil {
		return err
	}
	for _, name := range movedFirst {
		err := os.Rename(filepath.Join(building, name), filepath.Join(dir, name))
		if maybe := name == forksName; err != nil && !(maybe && errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	if err := os.Rename(Home{building}.Vault(), Home{dir}.Vault()); err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		// Whoever is told that it failed must find none.
		return errors.Join(err, os.Rename(Home{dir}.Vault(), Home{building}.Vault()))
	}
	return nil
}

// removeEmptied removes the folder that the home was built in, in case a crash kept
// createInside from it. The vault must be open: then nobody is building.
func (h Home) removeEmptied() {
	entries, _ := os.ReadDir(h.dir) // what is not tidied up now is another time
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), buildingPrefix) {
			_ = os.Remove(filepath.Join(h.dir, e.Name())) // if it is empty: verify names what is left
		}
	}
}

// removeUnfinished empties a folder of what an interrupted createInside left in
// it, or returns [ErrHomeExists] when anything else is there. A home's parts are
// left-overs only while the vault that belongs to them is still in the folder
// where it was built.
func removeUnfinished(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return creating(err)
	}
	var parts, buildings []string
	vaultWaits := false
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), buildingPrefix) && e.IsDir():
			buildings = append(buildings, path)
			_, err := os.Stat(Home{path}.Vault())
			vaultWaits = vaultWaits || err == nil
		case slices.Contains(movedFirst, e.Name()):
			parts = append(parts, path)
		default:
			return ErrHomeExists
		}
	}
	if len(parts) > 0 && !vaultWaits {
		return ErrHomeExists
	}
	for _, path := range append(parts, buildings...) { // the vault, which says what they are, last
		if err := os.RemoveAll(path); err != nil {
			return creating(err)
		}
	}
	return nil
}

func makeFolders(h Home) error {
	for _, sub := range []string{"onion", "tor", "run"} {
		if err := os.Mkdir(filepath.Join(h.dir, sub), dirMode); err != nil {
			return creating(err)
		}
	}
	return nil
}

func fill(h Home, onionKeys map[string][]byte) error {
	if err := makeFolders(h); err != nil {
		return err
	}
	secret, _, err := parcel.NewVaultKey()
	if err != nil {
		return err
	}
	if err := writeFile(h.vaultKey(), []byte(secret+"\n")); err != nil {
		return creating(err)
	}
	for site, key := range onionKeys {
		if err := writeFile(h.OnionKey(site), key); err != nil {
			return creating(err)
		}
	}
	if err := vault.Create(h.Vault()); err != nil {
		return err
	}
	local, err := Open(h) // which notes the keys in the vault
	if err != nil {
		return err
	}
	if err := local.Close(); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Join(h.dir, "onion")), syncDir(h.dir))
}

// writeFile writes a new file and waits until it is on stable storage.
func writeFile(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("failed to sync folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
