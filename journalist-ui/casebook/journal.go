package casebook

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// An entry is one line of the journal. Seq is its place in this journal; time,
// tick and author name it among the journals of all desks.
type entry struct {
	Seq    int64           `json:"seq"`
	Time   string          `json:"time"`
	Tick   int64           `json:"tick"`
	Author string          `json:"author"`
	Kind   string          `json:"kind"`
	Body   json.RawMessage `json:"body"`
}

// enter appends a change to the journal and applies it to the projections. All
// that ever changes in a casebook passes here. What is applied is what was
// written, read back, so that Rebuild can come to nothing else.
func (c *Casebook) enter(ctx context.Context, tx *sql.Tx, kind string, change any) error {
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("failed to encode a change: %w", err)
	}
	e := entry{Author: c.author, Kind: kind, Body: body}
	var last stamp
	err = tx.QueryRowContext(ctx,
		"SELECT (SELECT max(seq) FROM journal), time, tick FROM journal ORDER BY time DESC, tick DESC LIMIT 1").
		Scan(&e.Seq, &last.time, &last.tick)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("failed to read the end of the journal: %w", err)
	}
	next := last.next(time.Now())
	e.Seq, e.Time, e.Tick = e.Seq+1, next.time, next.tick
	_, err = tx.ExecContext(ctx, "INSERT INTO journal (seq, time, tick, author, kind, body) VALUES (?, ?, ?, ?, ?, ?)",
		e.Seq, e.Time, e.Tick, e.Author, e.Kind, string(e.Body))
	if err != nil {
		return fmt.Errorf("failed to append to the journal: %w", err)
	}
	return apply(ctx, tx, e)
}

// A stamp is the time of a hybrid logical clock (Kulkarni et al., "Logical
// Physical Clocks", 2014): the wall clock of whoever is ahead, to the
// millisecond, and a count of what happened without that clock moving on. It
// compares as (time, tick).
type stamp struct {
	time string // stampLayout, UTC
	tick int64
}

const stampLayout = "2006-01-02T15:04:05.000Z"

// next returns the time of what happens now, after s. It never goes back, even
// where the wall clock does.
func (s stamp) next(now time.Time) stamp {
	if wall := now.UTC().Format(stampLayout); wall > s.time {
		return stamp{time: wall}
	}
	return stamp{time: s.time, tick: s.tick + 1}
}

// entriesAfter returns the next entries of the journal, none at its end.
func entriesAfter(ctx context.Context, tx *sql.Tx, seq int64) ([]entry, error) {
	rows, err := tx.QueryContext(ctx,
		"SELECT seq, time, tick, author, kind, body FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", seq, pageRows)
	return scanAll(rows, err, func(e *entry) []any {
		return []any{&e.Seq, &e.Time, &e.Tick, &e.Author, &e.Kind, (*[]byte)(&e.Body)}
	})
}

// scanAll reads rows to their end, each into the places that into names.
func scanAll[T any](rows *sql.Rows, err error, into func(*T) []any) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(into(&one)...); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
