package casebook

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
)

// pageRows is how many rows are read at a time: with the longest messages
// 128 MiB, with usual ones some kilobytes.
const pageRows = 32

// A numbered value knows the seq of the submission or record it belongs to.
type numbered[T any] struct {
	seq   int64
	value T
}

// deal gives each part to the whole with its seq. Both run from the highest.
func deal[W, P any](wholes []numbered[W], parts []numbered[P], give func(*W, P)) {
	i := 0
	for _, p := range parts {
		for wholes[i].seq != p.seq {
			i++
		}
		give(&wholes[i].value, p.value)
	}
}

// walk yields what below returns, from the end of the table or from the row
// named before, a page per transaction: a slow caller blocks no writer, and what
// is added meanwhile is newer than what is still to come.
func walk[T any](
	ctx context.Context, c *Casebook, table, before string,
	below func(context.Context, *sql.Tx, int64, int) ([]numbered[T], error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		last, err := c.startOfWalk(ctx, table, before)
		for err == nil {
			var page []numbered[T]
			err = c.read(ctx, func(tx *sql.Tx) error {
				var err error
				page, err = below(ctx, tx, last, pageRows)
				return err
			})
			for _, row := range page {
				if !yield(row.value, nil) {
					return
				}
				last = row.seq
			}
			if err == nil && len(page) < pageRows {
				return
			}
		}
		yield(none, fmt.Errorf("failed to list %ss: %w", table, err))
	}
}

// startOfWalk returns the seq below which a walk begins.
func (c *Casebook) startOfWalk(ctx context.Context, table, before string) (seq int64, err error) {
	if before == "" {
		return math.MaxInt64, nil
	}
	err = c.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT seq FROM "+table+" WHERE id = ?", before).Scan(&seq)
	})
	return seq, nameMissing(err, table, before)
}

// minPrefix is the fewest characters that name something: by fewer, a slip of
// the finger would too.
const minPrefix = 4

func (c *Casebook) resolve(ctx context.Context, table, prefix string) (string, error) {
	if len(prefix) < minPrefix {
		return "", invalid("give at least %d characters of the %s's id", minPrefix, table)
	}
	if len(prefix) > maxID {
		return "", fmt.Errorf("%s: %w", table, ErrNotFound)
	}
	var ids []string
	err := c.read(ctx, func(tx *sql.Tx) error {
		// "~" is above all that an id is made of. An id that others begin with
		// comes before them.
		rows, err := tx.QueryContext(ctx,
			"SELECT id FROM "+table+" WHERE id >= ?1 AND id < ?1 || '~' AND substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 2", prefix)
		ids, err = scanAll(rows, err, func(id *string) []any { return []any{id} })
		return err
	})
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", fmt.Errorf("%s %q: %w", table, prefix, ErrNotFound)
	case len(ids) > 1 && ids[0] != prefix:
		return "", invalid("several %ss begin with %q: give more of the id", table, prefix)
	}
	return ids[0], nil
}

// nameMissing says what was not found.
func nameMissing(err error, what, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err == nil {
		return nil
	}
	if len(id) > maxID {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s %q: %w", what, id, err)
}
