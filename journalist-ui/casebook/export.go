package casebook

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
)

// Export writes the journal to w as it stands when it comes to its end: one JSON
// object per line (FORMAT.md, "The export"), in the clear. It holds no lock
// while it writes.
func (c *Casebook) Export(ctx context.Context, w io.Writer) error {
	for last := int64(0); ; {
		var page []entry
		err := c.read(ctx, func(tx *sql.Tx) (err error) {
			page, err = entriesAfter(ctx, tx, last)
			return err
		})
		if err != nil {
			return fmt.Errorf("failed to export the journal: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		for _, e := range page {
			line, err := json.Marshal(e)
			if err != nil {
				return fmt.Errorf("failed to export journal entry %d: %w", e.Seq, err)
			}
			if _, err := w.Write(append(line, '\n')); err != nil {
				return fmt.Errorf("failed to export the journal: %w", err)
			}
			last = e.Seq
		}
	}
}
