package casebook

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/ncruces/go-sqlite3"
)

// Create makes a new, empty casebook at path, and opens it. It refuses a path
// where a file is. Author is as for [Open].
func Create(ctx context.Context, path string, key [32]byte, author string) (*Casebook, error) {
	c, err := create(ctx, path, key, author)
	if err != nil {
		return nil, fmt.Errorf("failed to create the casebook %s: %w", path, err)
	}
	return c, nil
}

func create(ctx context.Context, path string, key [32]byte, author string) (*Casebook, error) {
	if err := errors.Join(checkAuthor(author), refuseZero(key)); err != nil {
		return nil, err
	}
	path, err := realPath(path)
	if err != nil {
		return nil, err
	}
	remove, err := createFiles(path)
	if err != nil {
		return nil, err
	}
	c, err := lay(ctx, path, key, author)
	if err != nil {
		remove()
		return nil, err
	}
	return c, nil
}

// createFiles makes the file and its journal, and a function that undoes it.
// Neither may be there: a journal left by another file would be applied to this.
func createFiles(path string) (remove func(), err error) {
	if err := createEmpty(path); err != nil {
		return nil, err
	}
	if err := createEmpty(journalName(path)); err != nil {
		os.Remove(path)
		return nil, err
	}
	return func() {
		os.Remove(path)
		os.Remove(journalName(path))
	}, nil
}

// lay makes a casebook of the empty file.
func lay(ctx context.Context, path string, key [32]byte, author string) (*Casebook, error) {
	db, err := connect(path, key)
	if err != nil {
		return nil, err
	}
	c := &Casebook{db: db, author: author}
	if err := errors.Join(c.writeSchema(ctx), syncFolder(path)); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// writeSchema fills the file. The version comes last, in the same transaction: a
// file without it is one whose creation was interrupted.
func (c *Casebook) writeSchema(ctx context.Context) error {
	err := c.raw(ctx, func(conn *sqlite3.Conn) error {
		// A checksum in each page, under a cipher that turns any change of a page
		// into noise: a page that was tampered with does not pass for whole.
		return conn.EnableChecksums("main")
	})
	if err != nil {
		return err
	}
	return c.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, journalSchema+projectionSchema+
			fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, schemaVersion))
		return err
	})
}
