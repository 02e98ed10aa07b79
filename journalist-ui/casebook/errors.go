package casebook

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

var (
	// ErrKey: the key does not decrypt the file. A first block that was
	// overwritten looks the same; nobody can tell the two apart.
	ErrKey = errors.New("the key does not open this casebook")
	// ErrDamaged: a page of the file is not what was written there.
	ErrDamaged = errors.New("the casebook's file is damaged: restore it from a copy")
	// ErrBusy: another program held the casebook for longer than [busyTimeout].
	ErrBusy = errors.New("another program is using the casebook: try again when it is done")
)

var (
	// ErrNotFound: no submission, item or record has this name.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a submission with this id is there already, and differs.
	ErrConflict = errors.New("a different submission has the same id")
	// ErrInvalid: what was given breaks a rule or a limit that FORMAT.md lists.
	ErrInvalid = errors.New("not accepted")
)

// invalid says which rule was broken. Callers name fields and numbers, never
// what a source wrote.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// explain turns what SQLite says into what a person can act on.
func explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && (errors.Is(err, sqlite3.INTERRUPT) || errors.Is(err, sqlite3.BUSY) ||
		errors.Is(err, sql.ErrTxDone)):
		return ctx.Err() // it is what ended the work, or the wait
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED):
		return ErrBusy
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB),
		errors.Is(err, sqlite3.IOERR_DATA), errors.Is(err, sqlite3.IOERR_SHORT_READ):
		return ErrDamaged
	case errors.Is(err, sqlite3.FULL), errors.Is(err, sqlite3.IOERR_WRITE):
		// The VFS (v0.35.3) reports a full disk as any other failed write.
		return fmt.Errorf("the disk took no more, is it full? nothing was changed: %w", err)
	}
	return err
}
