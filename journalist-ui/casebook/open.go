package casebook

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Open opens the casebook at path. Every change made through it is entered in
// the journal under author: the fingerprint of the reviewer's certificate.
//
// The error is [ErrKey] when the key is not this casebook's, and says so when
// the file is missing, was never finished, or was written by a newer program.
func Open(ctx context.Context, path string, key [32]byte, author string) (*Casebook, error) {
	c, err := open(ctx, path, key, author)
	if err != nil {
		return nil, fmt.Errorf("failed to open the casebook %s: %w", path, err)
	}
	return c, nil
}

func open(ctx context.Context, path string, key [32]byte, author string) (*Casebook, error) {
	if err := checkAuthor(author); err != nil {
		return nil, err
	}
	path, err := realPath(path)
	if err != nil {
		return nil, err
	}
	if err := checkFile(path); err != nil {
		return nil, err
	}
	if err := checkKey(ctx, path, key); err != nil {
		return nil, err
	}
	db, err := connect(path, key)
	if err != nil {
		return nil, err
	}
	c := &Casebook{db: db, author: author}
	if err := c.checkVersion(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

var errUnfinished = errors.New("its creation was interrupted: remove the file and create it again")

// checkFile refuses what cannot be a casebook, without reading it.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file")
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("not a regular file")
	case info.Size() == 0:
		return errUnfinished
	case info.Size() < cipherBlock:
		return ErrDamaged
	}
	return nil
}

func (c *Casebook) checkVersion(ctx context.Context) error {
	var id, version int
	err := c.read(ctx, func(tx *sql.Tx) error {
		return errors.Join(
			tx.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id),
			tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version))
	})
	switch {
	case err != nil:
		return err
	case id == 0 && version == 0:
		return errUnfinished
	case id != applicationID:
		return errors.New("the file is not a casebook")
	case version > schemaVersion:
		return fmt.Errorf("it was written by a newer program (version %d, this one reads %d)", version, schemaVersion)
	case version < schemaVersion:
		return fmt.Errorf("its version %d is unknown", version)
	}
	return nil
}
