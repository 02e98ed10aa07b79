package vault

import (
	"errors"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// view runs fn in a short read transaction of the file that is current: Compact
// exchanges it under the readers, between two transactions. fn must not call
// view again, directly or through another method.
func (v *Vault) view(fn func(*bolt.Tx) error) error {
	v.exchange.RLock()
	defer v.exchange.RUnlock()
	err := v.db.View(fn)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
