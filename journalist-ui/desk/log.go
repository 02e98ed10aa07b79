package desk

import (
	"errors"
	"io/fs"

	"sourdine/journalist-ui/witness"
)

const logName = "log"

// openLog opens the desk's memory of the vault's log. Before a vault is known
// the error is [ErrNoVault]; before the first import under version 2 it is
// fs.ErrNotExist.
func (d *Desk) openLog() (*witness.Book, error) {
	vaultKey, err := d.VaultKey()
	if err != nil {
		return nil, err
	}
	if vaultKey == "" {
		return nil, ErrNoVault
	}
	return witness.Open(d.path(logName), vaultKey)
}

// beginLog opens it, and makes it if it is not there. The import lock must be
// held.
func (d *Desk) beginLog() (*witness.Book, error) {
	book, err := d.openLog()
	if !errors.Is(err, fs.ErrNotExist) {
		return book, err
	}
	if err := witness.Create(d.path(logName)); err != nil {
		return nil, err
	}
	return d.openLog()
}

// withLog opens the log for do; without one do is not called, and the error is
// [ErrNoVault].
func (d *Desk) withLog(do func(*witness.Book) error) error {
	book, err := d.openLog()
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoVault
	}
	if err != nil {
		return err
	}
	return errors.Join(do(book), book.Close())
}

// A LogHead is how far this desk has seen the vault's log.
type LogHead struct {
	Size       int64
	Checkpoint []byte // signed, to show to other desks; nil before the first
}

// LogHead reads it, after hashing the whole log again.
func (d *Desk) LogHead() (LogHead, error) {
	var head LogHead
	err := d.withLog(func(book *witness.Book) error {
		head = LogHead{book.Size(), book.Checkpoint()}
		return nil
	})
	return head, err
}

// Compare compares another desk's checkpoint with this desk's log: nil when both
// were shown the same. The errors are those of [witness.Book.Compare]; a fork
// stays among the findings, and the evidence is kept.
func (d *Desk) Compare(signed []byte) error {
	release, err := d.lockImport()
	if err != nil {
		return err
	}
	defer release()
	return d.withLog(func(book *witness.Book) error {
		err := book.Compare(signed)
		var refused *witness.Refused
		if !errors.As(err, &refused) || refused.Finding.Kind != witness.Fork && refused.Finding.Kind != witness.OtherLog {
			return err
		}
		f, findErr := d.Findings()
		if findErr == nil {
			f.refuse(refused.Finding)
			findErr = d.keepFindings(f)
		}
		return errors.Join(err, findErr)
	})
}
