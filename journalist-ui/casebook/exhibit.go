package casebook

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// An Exhibit is an item attached to a record.
type Exhibit struct {
	Number     int    `json:"number"` // from 1 within the record
	Submission string `json:"submission"`
	Item       int    `json:"item"`
	Name       string `json:"name"`
	Size       int64  `json:"size"` // bytes
	Type       string `json:"type"`
	SHA256     string `json:"sha256"`
	// Doubtful is what its submission's Doubtful said when it was attached.
	Doubtful string `json:"doubtful,omitempty"`
}

// Attach makes an item of a submission the next exhibit of a record. A number is
// never given twice within a record; an item that is attached already keeps its
// number, and that exhibit is returned. The error is [ErrNotFound] when the
// record, the submission or the item is not there. It knows what the manifest
// says, not whether the item is there and is that: Desk.Attach of package desk
// finds out first.
func (c *Casebook) Attach(ctx context.Context, recordID, submissionID string, item int) (x Exhibit, err error) {
	err = c.write(ctx, func(tx *sql.Tx) error {
		x, err = c.attach(ctx, tx, recordID, submissionID, item)
		return err
	})
	if err != nil {
		return Exhibit{}, fmt.Errorf("failed to attach an exhibit: %w", err)
	}
	return x, nil
}

func (c *Casebook) attach(ctx context.Context, tx *sql.Tx, recordID, submissionID string, item int) (Exhibit, error) {
	r, err := oneRecord(ctx, tx, recordID)
	if err != nil {
		return Exhibit{}, nameMissing(err, "record", recordID)
	}
	attached := func(x Exhibit) bool { return x.Submission == submissionID && x.Item == item }
	if i := slices.IndexFunc(r.Exhibits, attached); i >= 0 {
		return r.Exhibits[i], nil
	}
	s, err := oneSubmission(ctx, tx, submissionID)
	if err != nil {
		return Exhibit{}, nameMissing(err, "submission", submissionID)
	}
	x, err := r.nextExhibit(s, item)
	if err != nil {
		return Exhibit{}, err
	}
	return x, c.enter(ctx, tx, recordAttach, exhibitAttached{Record: r.ID, Exhibit: x})
}

// nextExhibit is what the item will be in the record. Exhibits are in the order
// of their numbers and none is ever taken out.
func (r Record) nextExhibit(s Submission, item int) (Exhibit, error) {
	i := slices.IndexFunc(s.Items, func(i Item) bool { return i.N == item })
	if i < 0 {
		return Exhibit{}, fmt.Errorf("item %d of submission %s: %w", item, s.ID, ErrNotFound)
	}
	doc := s.Items[i]
	if doc.SHA256 == "" {
		return Exhibit{}, invalid("item %d of submission %s was never opened: its SHA-256 is unknown", item, s.ID)
	}
	number := 1
	if n := len(r.Exhibits); n > 0 {
		number = r.Exhibits[n-1].Number + 1
	}
	return Exhibit{
		Number: number, Submission: s.ID, Item: item,
		Name: doc.Name, Size: doc.Size, Type: doc.Type, SHA256: doc.SHA256, Doubtful: s.Doubtful,
	}, nil
}

func exhibitsBetween(ctx context.Context, tx *sql.Tx, first, last int64) ([]numbered[Exhibit], error) {
	rows, err := tx.QueryContext(ctx, `SELECT record, number, submission, item, name, size, type, sha256, doubtful
		FROM exhibit WHERE record BETWEEN ? AND ? ORDER BY record DESC, number`, first, last)
	return scanAll(rows, err, func(r *numbered[Exhibit]) []any {
		x := &r.value
		return []any{&r.seq, &x.Number, &x.Submission, &x.Item, &x.Name, &x.Size, &x.Type, &x.SHA256, &x.Doubtful}
	})
}
