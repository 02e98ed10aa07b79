package admin

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ErrOtherKey: vault.key is not the file that the vault was made with.
var ErrOtherKey = errors.New("vault.key is not the key that this vault was made with: desks would not trust its parcels")

// CheckKey returns [ErrOtherKey] when what this program signs with is not the key
// that the vault knows.
func (l *Local) CheckKey() error {
	if l.otherKey {
		return ErrOtherKey
	}
	return nil
}

// keyProblem is what is wrong with a key file; "" when nothing is. A digest is
// empty when there is no file, or the vault does not know it yet.
func keyProblem(name, noted, found string) string {
	switch {
	case noted == found, noted == "":
		return ""
	case found == "":
		return fmt.Sprintf("%s is missing: %s", name, keyLoss(name))
	}
	return fmt.Sprintf("%s is not what it was: %s", name, keyLoss(name))
}

func keyLoss(name string) string {
	if name == vaultKeyName {
		return "desks will not trust this server's parcels; restore it from a backup"
	}
	return "the site would get another address; restore it from a backup"
}

// keyProblems compares the home's key files with what the vault knows of them.
func (l *Local) keyProblems() (list []string, err error) {
	noted, err := l.vault.Files()
	if err != nil {
		return nil, err
	}
	found, err := l.home.digests()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(noted)) {
		if problem := keyProblem(name, noted[name], found[name]); problem != "" {
			list = append(list, problem)
		}
	}
	return list, nil
}
