package vault

import (
	"errors"
	"fmt"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// view runs fn in a short read transaction of the file that is current: Compact
// exchanges it under the readers, between two transactions. fn must not call
// view again, directly or through another method. What the disk cannot read is
// an error that wraps [ErrDamaged]: the file is mapped, and without this a bad
// sector would end the program.
func (v *Vault) view(fn func(*bolt.Tx) error) error {
	v.exchange.RLock()
	defer v.exchange.RUnlock()
	err := v.db.View(func(tx *bolt.Tx) (err error) {
		// Not around View: bbolt holds locks while it begins.
		defer catchFault(debug.SetPanicOnFault(true), &err)
		return fn(tx)
	})
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

// catchFault turns the panic of a memory fault, and no other, into an error.
func catchFault(before bool, err *error) {
	debug.SetPanicOnFault(before)
	switch thrown := recover().(type) {
	case nil:
	case interface{ Addr() uintptr }: // see SetPanicOnFault
		*err = fmt.Errorf("%w: the disk cannot read a part of the vault", ErrDamaged)
	default:
		panic(thrown)
	}
}
