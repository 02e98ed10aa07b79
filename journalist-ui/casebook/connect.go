package casebook

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum" // the encrypting VFS
)

const (
	// busyTimeout is how long a call waits for another process. A change holds
	// the file for milliseconds; only Rebuild holds it for seconds.
	busyTimeout = 10 * time.Second
	// maxConns bounds the connections of one process, each with its own page
	// cache of 2 MiB.
	maxConns = 4
)

// settings are those of every connection; none but the format's own is kept in
// the file.
//
// A rollback journal and not a write-ahead log. Both work across processes
// under the adiantum VFS (tried: it passes locks and shared memory through). A
// log is faster, but it leaves a -shm file outside the encryption, with a
// checksum over what was written last; and whoever copies the one file they
// know of would leave the latest changes behind. Here a casebook at rest is one
// file.
//
// truncate and not delete: the journal's name stays in the folder, so that no
// promise hangs on the folder being synced in each change (where the VFS should
// sync the folder after making a journal, v0.35.3 syncs the journal again). With
// truncate, full is as durable as extra: the truncation, which commits, is
// synced too.
//
// recursive_triggers lets the journal's triggers see a REPLACE.
//
// secure_delete writes a page that is freed, which SQLite otherwise skips. In a
// change larger than its cache it may read such a page back from where the file
// has a hole; a hole decrypts to noise, and the page's checksum is then wrong.
const settings = `
PRAGMA temp_store = memory;
PRAGMA journal_mode = truncate;
PRAGMA synchronous = full;
PRAGMA secure_delete = on;
PRAGMA foreign_keys = on;
PRAGMA recursive_triggers = on;
PRAGMA cell_size_check = on;
PRAGMA trusted_schema = off;
`

// connect prepares connections to the file at path, which is absolute and free
// of symbolic links. It opens none yet and never creates the file.
func connect(path string, key [32]byte) (*sql.DB, error) {
	// SQLite makes its journal with the mode of the file that modeof names; it
	// decodes %20 in a name, but not +.
	modeof := strings.ReplaceAll(url.QueryEscape(path), "+", "%20")
	name := url.URL{Scheme: "file", Path: path, RawQuery: "vfs=adiantum&mode=rw&modeof=" + modeof}
	db, err := driver.Open(name.String(), func(conn *sqlite3.Conn) error {
		if err := prepare(conn, key); err != nil {
			return err
		}
		return keepJournal(path)
	})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	return db, nil
}

func prepare(conn *sqlite3.Conn, key [32]byte) error {
	// As a pragma and not in the name: names reach errors. The statement is not
	// in the error either, so what SQLite says of it is dropped.
	if conn.Exec("PRAGMA hexkey='"+hex.EncodeToString(key[:])+"'") != nil {
		return errors.New("the cipher refused the key")
	}
	if err := conn.BusyTimeout(busyTimeout); err != nil {
		return err
	}
	if _, err := conn.Config(sqlite3.DBCONFIG_DEFENSIVE, true); err != nil {
		return err
	}
	if err := fts5.Register(conn); err != nil {
		return err
	}
	return conn.Exec(settings)
}

// raw runs fn on one connection, outside of any transaction.
func (c *Casebook) raw(ctx context.Context, fn func(*sqlite3.Conn) error) error {
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return explain(ctx, err)
	}
	defer conn.Close()
	err = conn.Raw(func(d any) error {
		s := d.(driver.Conn).Raw()
		defer s.SetInterrupt(s.SetInterrupt(ctx))
		return fn(s)
	})
	return explain(ctx, err)
}

// read runs fn in a transaction that sees one state of the casebook.
func (c *Casebook) read(ctx context.Context, fn func(*sql.Tx) error) error {
	// Not as ReadOnly: the driver forgets to take that back from a connection
	// whose transaction an I/O error has ended.
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return explain(ctx, err)
	}
	defer tx.Rollback()
	return explain(ctx, fn(tx))
}

// write runs fn in a transaction that holds the casebook's one write lock from
// its beginning, so that what fn reads is still true when it writes. nil means
// that what fn did is on stable storage.
func (c *Casebook) write(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := c.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable}) // BEGIN IMMEDIATE
	if err != nil {
		return explain(ctx, err)
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return explain(ctx, err)
	}
	return explain(ctx, tx.Commit())
}
