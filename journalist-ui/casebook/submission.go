package casebook

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"reflect"
	"slices"
)

// A Submission is what the desk knows of a submission that it opened. The sealed
// submission itself stays where the desk keeps parcels. All strings are as the
// source or the vault gave them.
type Submission struct {
	ID       string `json:"id"`
	Vault    string `json:"vault"` // which vault delivered it
	Channel  string `json:"channel"`
	Day      string `json:"day"` // "2006-01-02", UTC
	Language string `json:"language"`
	Message  string `json:"message"`
	// Doubtful says why the submission is kept apart; empty when it is sound.
	Doubtful string `json:"doubtful,omitempty"`
	Items    []Item `json:"items"`
}

// An Item is a file of a submission. Item 0, the manifest, is not listed.
type Item struct {
	N      int    `json:"n"` // from 1
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	Type   string `json:"type"`
	SHA256 string `json:"sha256"` // 64 hexadecimal digits; may be empty in a doubtful submission
}

// AddSubmission enters an imported submission. Adding the same again changes
// nothing; a different one under the same id is refused with [ErrConflict].
func (c *Casebook) AddSubmission(ctx context.Context, s Submission) (added bool, err error) {
	if s.Items == nil {
		s.Items = []Item{}
	}
	if err := s.Check(); err != nil {
		return false, fmt.Errorf("failed to add a submission: %w", err)
	}
	err = c.write(ctx, func(tx *sql.Tx) error {
		old, err := oneSubmission(ctx, tx, s.ID)
		switch {
		case err == nil && reflect.DeepEqual(old, s):
			return nil
		case err == nil:
			return ErrConflict
		case err != sql.ErrNoRows:
			return err
		}
		added = true
		return c.enter(ctx, tx, submissionImport, s)
	})
	if err != nil {
		return false, fmt.Errorf("failed to add submission %s: %w", s.ID, err)
	}
	return added, nil
}

// Described reports whether anything of what the source sent is known: the
// manifest opened.
func (s Submission) Described() bool {
	opened := func(i Item) bool { return i.SHA256 != "" }
	return s.Doubtful == "" || s.Message != "" || s.Language != "" || slices.ContainsFunc(s.Items, opened)
}

// SupersedeSubmission enters the description of a submission that could not be
// opened when it was entered. For any other the error is [ErrConflict]: what is
// known stays.
func (c *Casebook) SupersedeSubmission(ctx context.Context, s Submission) error {
	if s.Items == nil {
		s.Items = []Item{}
	}
	if err := s.Check(); err != nil {
		return fmt.Errorf("failed to supersede a submission: %w", err)
	}
	err := c.write(ctx, func(tx *sql.Tx) error {
		old, err := oneSubmission(ctx, tx, s.ID)
		switch {
		case err != nil:
			return nameMissing(err, "submission", s.ID)
		case old.Described() || !s.Described():
			return ErrConflict
		}
		return c.enter(ctx, tx, submissionSupersede, s)
	})
	if err != nil {
		return fmt.Errorf("failed to supersede submission %s: %w", s.ID, err)
	}
	return nil
}

// Submission returns the submission with this id, or [ErrNotFound].
func (c *Casebook) Submission(ctx context.Context, id string) (s Submission, err error) {
	err = c.read(ctx, func(tx *sql.Tx) error {
		s, err = oneSubmission(ctx, tx, id)
		return err
	})
	return s, nameMissing(err, "submission", id)
}

// Submissions goes through the submissions, the last imported first: all of
// them, or those imported before the one with the id before. It reads as it
// goes, holding no lock while the caller works; after an error it ends.
func (c *Casebook) Submissions(ctx context.Context, before string) iter.Seq2[Submission, error] {
	return walk(ctx, c, "submission", before, submissionsBelow)
}

// ResolveSubmission returns the id of the one submission that starts with
// prefix, of at least four characters.
func (c *Casebook) ResolveSubmission(ctx context.Context, prefix string) (string, error) {
	return c.resolve(ctx, "submission", prefix)
}

func oneSubmission(ctx context.Context, tx *sql.Tx, id string) (Submission, error) {
	var seq int64
	if err := tx.QueryRowContext(ctx, "SELECT seq FROM submission WHERE id = ?", id).Scan(&seq); err != nil {
		return Submission{}, err
	}
	found, err := submissionsBelow(ctx, tx, seq+1, 1)
	if err != nil {
		return Submission{}, err
	}
	return found[0].value, nil
}

// submissionsBelow returns the last limit submissions before seq.
func submissionsBelow(ctx context.Context, tx *sql.Tx, seq int64, limit int) ([]numbered[Submission], error) {
	rows, err := tx.QueryContext(ctx, `SELECT seq, id, vault, channel, day, language, message, doubtful
		FROM submission WHERE seq < ? ORDER BY seq DESC LIMIT ?`, seq, limit)
	page, err := scanAll(rows, err, func(r *numbered[Submission]) []any {
		s := &r.value
		s.Items = []Item{}
		return []any{&r.seq, &s.ID, &s.Vault, &s.Channel, &s.Day, &s.Language, &s.Message, &s.Doubtful}
	})
	if err != nil || len(page) == 0 {
		return nil, err
	}
	rows, err = tx.QueryContext(ctx, `SELECT submission, n, name, size, type, sha256
		FROM item WHERE submission BETWEEN ? AND ? ORDER BY submission DESC, n`, page[len(page)-1].seq, page[0].seq)
	items, err := scanAll(rows, err, func(r *numbered[Item]) []any {
		i := &r.value
		return []any{&r.seq, &i.N, &i.Name, &i.Size, &i.Type, &i.SHA256}
	})
	deal(page, items, func(s *Submission, i Item) { s.Items = append(s.Items, i) })
	return page, err
}
