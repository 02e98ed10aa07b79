package casebook

import (
	"database/sql"
	_ "embed"
	"fmt"
)

const (
	// applicationID marks the file as a casebook: "SDcb".
	applicationID = 0x53446362
	// schemaVersion grows when the tables, or the meaning of the journal, do.
	schemaVersion = 1
)

//go:embed journal.sql
var journalSchema string

//go:embed projection.sql
var projectionSchema string

// A Casebook is open until Close. Its methods may be called from several
// goroutines at once.
type Casebook struct {
	db     *sql.DB
	author string
}

// Close ends the use of the casebook. What was acknowledged is on the disk
// already.
func (c *Casebook) Close() error {
	if err := c.db.Close(); err != nil {
		return fmt.Errorf("failed to close the casebook: %w", err)
	}
	return nil
}
