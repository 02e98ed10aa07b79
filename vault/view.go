package vault

import (
	"errors"
	"fmt"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// errFault is what a memory fault becomes: the file is mapped, and without this a
// bad sector would end the program.
var errFault = fmt.Errorf("%w: the disk cannot read a part of the vault", ErrDamaged)

// view runs fn in a short read transaction of the file that is current: Compact
// exchanges it under the readers, between two transactions. fn must not call
// view again, directly or through another method. What the disk cannot read is
// an error that wraps [ErrDamaged].
func (v *Vault) view(fn func(*bolt.Tx) error) error {
	v.exchange.RLock()
	defer v.exchange.RUnlock()
	err := viewFile(v.db, fn)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

// viewFile is bbolt's View, but for what the disk cannot read.
func viewFile(db *bolt.DB, fn func(*bolt.Tx) error) error {
	return db.View(func(tx *bolt.Tx) error {
		// Not around View: bbolt holds locks while it begins.
		return guarded(func() error { return fn(tx) })
	})
}

// updateFile is bbolt's Update, except that what the disk cannot read ends the
// transaction only, as an error of fn's does. bbolt reads what is mapped before it
// writes, and writes what is not.
func updateFile(db *bolt.DB, fn func(*bolt.Tx) error) error {
	tx, err := db.Begin(true)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	return guarded(func() error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// guarded runs fn, and ends it with errFault when it reads what the disk cannot.
func guarded(fn func() error) (err error) {
	defer catchFault(debug.SetPanicOnFault(true), &err)
	return fn()
}

// catchFault turns the panic of a memory fault, and no other, into an error.
func catchFault(before bool, err *error) {
	debug.SetPanicOnFault(before)
	switch thrown := recover().(type) {
	case nil:
	case interface{ Addr() uintptr }: // see SetPanicOnFault
		*err = errFault
	default:
		panic(thrown)
	}
}
