package casebook

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"iter"
	"slices"
)

// A Record is an entry of the documentary base.
type Record struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Fields   []Field   `json:"fields"` // in the order given
	Exhibits []Exhibit `json:"exhibits"`
}

// A Field says one thing about a record. A key may come several times.
type Field struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// AddRecord enters a new record, without exhibits.
func (c *Casebook) AddRecord(ctx context.Context, title string, fields []Field) (Record, error) {
	return c.addRecord(ctx, title, fields, func(*sql.Tx, *Record) error { return nil })
}

// AddRecordWith enters a new record and its first exhibit, both or neither. The
// errors are those of [Casebook.AddRecord] and [Casebook.Attach].
func (c *Casebook) AddRecordWith(ctx context.Context, title string, fields []Field, submissionID string, item int) (Record, error) {
	return c.addRecord(ctx, title, fields, func(tx *sql.Tx, r *Record) error {
		x, err := c.attach(ctx, tx, r.ID, submissionID, item)
		r.Exhibits = append(r.Exhibits, x)
		return err
	})
}

// addRecord does more in the transaction that enters the record.
func (c *Casebook) addRecord(ctx context.Context, title string, fields []Field, more func(*sql.Tx, *Record) error) (Record, error) {
	r := Record{ID: newRecordID(), Title: title, Fields: append([]Field{}, fields...), Exhibits: []Exhibit{}}
	if err := r.check(); err != nil {
		return Record{}, fmt.Errorf("failed to add a record: %w", err)
	}
	err := c.write(ctx, func(tx *sql.Tx) error {
		err := c.enter(ctx, tx, recordAdd, recordAdded{ID: r.ID, Title: r.Title, Fields: r.Fields})
		if err != nil {
			return err
		}
		return more(tx, &r)
	})
	if err != nil {
		return Record{}, fmt.Errorf("failed to add a record: %w", err)
	}
	return r, nil
}

// idLetters leaves out i, l, o and u, which are misread or spell words.
const idLetters = "0123456789abcdefghjkmnpqrstvwxyz"

// newRecordID returns 50 random bits as "xxxxx-xxxxx": short enough to read out,
// and among a million records of all desks two meet once in two thousand times.
func newRecordID() string {
	b := make([]byte, 10)
	rand.Read(b)
	for i := range b {
		b[i] = idLetters[b[i]%byte(len(idLetters))] // 32 letters: no bias
	}
	return string(slices.Insert(b, 5, '-'))
}

// Record returns the record with this id, or [ErrNotFound].
func (c *Casebook) Record(ctx context.Context, id string) (r Record, err error) {
	err = c.read(ctx, func(tx *sql.Tx) error {
		r, err = oneRecord(ctx, tx, id)
		return err
	})
	return r, nameMissing(err, "record", id)
}

// Records goes through the records as [Casebook.Submissions] does through
// submissions, the last added first.
func (c *Casebook) Records(ctx context.Context, before string) iter.Seq2[Record, error] {
	return walk(ctx, c, "record", before, recordsBelow)
}

// ResolveRecord returns the id of the one record that starts with prefix, of at
// least four characters.
func (c *Casebook) ResolveRecord(ctx context.Context, prefix string) (string, error) {
	return c.resolve(ctx, "record", prefix)
}

func oneRecord(ctx context.Context, tx *sql.Tx, id string) (Record, error) {
	var seq int64
	if err := tx.QueryRowContext(ctx, "SELECT seq FROM record WHERE id = ?", id).Scan(&seq); err != nil {
		return Record{}, err
	}
	found, err := recordsBelow(ctx, tx, seq+1, 1)
	if err != nil {
		return Record{}, err
	}
	return found[0].value, nil
}

// recordsBelow returns the last limit records before seq.
func recordsBelow(ctx context.Context, tx *sql.Tx, seq int64, limit int) ([]numbered[Record], error) {
	rows, err := tx.QueryContext(ctx, "SELECT seq, id, title FROM record WHERE seq < ? ORDER BY seq DESC LIMIT ?", seq, limit)
	page, err := scanAll(rows, err, func(r *numbered[Record]) []any {
		r.value.Fields, r.value.Exhibits = []Field{}, []Exhibit{}
		return []any{&r.seq, &r.value.ID, &r.value.Title}
	})
	if err != nil || len(page) == 0 {
		return nil, err
	}
	first, last := page[len(page)-1].seq, page[0].seq
	rows, err = tx.QueryContext(ctx,
		"SELECT record, key, value FROM field WHERE record BETWEEN ? AND ? ORDER BY record DESC, n", first, last)
	fields, err := scanAll(rows, err, func(r *numbered[Field]) []any {
		return []any{&r.seq, &r.value.Key, &r.value.Value}
	})
	if err != nil {
		return nil, err
	}
	deal(page, fields, func(r *Record, f Field) { r.Fields = append(r.Fields, f) })
	exhibits, err := exhibitsBetween(ctx, tx, first, last)
	deal(page, exhibits, func(r *Record, x Exhibit) { r.Exhibits = append(r.Exhibits, x) })
	return page, err
}
