package vault

import (
	"bytes"
	"errors"
	"slices"
)

// Unreadable returns the submissions that somebody tried to read since the vault
// was opened, and that cannot be read: bits have flipped on the disk, or a sector
// is bad. What nobody tried to read may be damaged too: [Verify] reads everything.
func (v *Vault) Unreadable() (ids []ID) {
	for key := range v.damaged.Range {
		if id := key.(ID); v.IsUnreadable(id) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

// IsUnreadable tells whether a submission is one of [Vault.Unreadable]. It reads
// again what could not be read before: a disk may recover, and a submission be
// deleted.
func (v *Vault) IsUnreadable(id ID) bool {
	again, noted := v.damaged.Load(id)
	if !noted {
		return false
	}
	if err := again.(func() error)(); errors.Is(err, ErrDamaged) {
		return true
	}
	v.damaged.Delete(id)
	return false
}

// noteDamage remembers a submission that could not be read, and how to try again.
func (v *Vault) noteDamage(id ID, err error, again func() error) {
	if errors.Is(err, ErrDamaged) {
		v.damaged.LoadOrStore(id, again)
	}
}
