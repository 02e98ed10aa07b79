package casebook

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// The kinds of journal entries. FORMAT.md, "Kinds", describes their bodies: a
// Submission twice, a recordAdded, an exhibitAttached. Once written they are read for
// ever; a new meaning is a new kind.
const (
	submissionImport    = "submission.import"
	submissionSupersede = "submission.supersede"
	recordAdd           = "record.add"
	recordAttach        = "record.attach"
)

type recordAdded struct {
	ID     string  `json:"id"`
	Title  string  `json:"title"`
	Fields []Field `json:"fields"`
}

type exhibitAttached struct {
	Record string `json:"record"`
	Exhibit
}

// apply changes the projections by one journal entry. It depends on nothing but
// the entry and the projections.
func apply(ctx context.Context, tx *sql.Tx, e entry) error {
	var err error
	switch e.Kind {
	case submissionImport:
		err = applyAs(ctx, tx, e, applySubmission)
	case submissionSupersede:
		err = applyAs(ctx, tx, e, applySupersession)
	case recordAdd:
		err = applyAs(ctx, tx, e, applyRecord)
	case recordAttach:
		err = applyAs(ctx, tx, e, applyExhibit)
	default:
		err = fmt.Errorf("its kind is unknown")
	}
	if err != nil {
		return fmt.Errorf("failed to apply journal entry %d: %w", e.Seq, err)
	}
	return nil
}

func applyAs[T any](ctx context.Context, tx *sql.Tx, e entry, do func(context.Context, *sql.Tx, int64, T) error) error {
	var change T
	d := json.NewDecoder(bytes.NewReader(e.Body))
	d.DisallowUnknownFields() // what is not understood must not be left out
	if err := d.Decode(&change); err != nil {
		return err
	}
	return do(ctx, tx, e.Seq, change)
}

func applySubmission(ctx context.Context, tx *sql.Tx, seq int64, s Submission) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO submission (seq, id, vault, channel, day, language, message, doubtful)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, seq, s.ID, s.Vault, s.Channel, s.Day, s.Language, s.Message, s.Doubtful)
	if err != nil {
		return err
	}
	if err := insertItems(ctx, tx, seq, s.Items); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO search (rowid, message, names) VALUES (?, ?,
		(SELECT group_concat(name, char(10) ORDER BY n) FROM item WHERE submission = ?))`, seq, s.Message, seq)
	return err
}

func insertItems(ctx context.Context, tx *sql.Tx, submission int64, items []Item) error {
	insert, err := tx.PrepareContext(ctx, "INSERT INTO item (submission, n, name, size, type, sha256) VALUES (?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, i := range items {
		if _, err := insert.ExecContext(ctx, submission, i.N, i.Name, i.Size, i.Type, i.SHA256); err != nil {
			return err
		}
	}
	return nil
}

// applySupersession leaves the submission where it stands in the list: it keeps
// the seq of its import.
func applySupersession(ctx context.Context, tx *sql.Tx, _ int64, s Submission) error {
	var seq int64
	err := tx.QueryRowContext(ctx, `UPDATE submission SET vault = ?, channel = ?, day = ?, language = ?, message = ?, doubtful = ?
		WHERE id = ? RETURNING seq`, s.Vault, s.Channel, s.Day, s.Language, s.Message, s.Doubtful, s.ID).Scan(&seq)
	if err != nil {
		return nameMissing(err, "submission", s.ID)
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM item WHERE submission = ?", seq); err != nil {
		return err
	}
	if err := insertItems(ctx, tx, seq, s.Items); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE search SET message = ?, names =
		(SELECT group_concat(name, char(10) ORDER BY n) FROM item WHERE submission = ?) WHERE rowid = ?`, s.Message, seq, seq)
	return err
}

func applyRecord(ctx context.Context, tx *sql.Tx, seq int64, r recordAdded) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO record (seq, id, title) VALUES (?, ?, ?)", seq, r.ID, r.Title)
	if err != nil {
		return err
	}
	for i, f := range r.Fields {
		_, err := tx.ExecContext(ctx, "INSERT INTO field (record, n, key, value) VALUES (?, ?, ?, ?)",
			seq, i+1, f.Key, f.Value)
		if err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO search (rowid, title, fields) VALUES (?, ?,
		(SELECT group_concat(key || ' ' || value, char(10) ORDER BY n) FROM field WHERE record = ?))`, seq, r.Title, seq)
	return err
}

func applyExhibit(ctx context.Context, tx *sql.Tx, _ int64, x exhibitAttached) error {
	var record int64
	if err := tx.QueryRowContext(ctx, "SELECT seq FROM record WHERE id = ?", x.Record).Scan(&record); err != nil {
		return nameMissing(err, "record", x.Record)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO exhibit
		(record, number, submission, item, name, size, type, sha256, doubtful) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		record, x.Number, x.Submission, x.Item, x.Name, x.Size, x.Type, x.SHA256, x.Doubtful)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE search SET names =
		(SELECT group_concat(name, char(10) ORDER BY number) FROM exhibit WHERE record = ?) WHERE rowid = ?`, record, record)
	return err
}

// Rebuild throws the projections away and makes them anew from the journal, in
// one transaction: on an error nothing has changed.
func (c *Casebook) Rebuild(ctx context.Context) error {
	err := c.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, projectionSchema); err != nil {
			return err
		}
		return eachEntry(ctx, tx, func(e entry) error { return apply(ctx, tx, e) })
	})
	if err != nil {
		return fmt.Errorf("failed to rebuild the casebook: %w", err)
	}
	return nil
}

func eachEntry(ctx context.Context, tx *sql.Tx, do func(entry) error) error {
	for last := int64(0); ; {
		page, err := entriesAfter(ctx, tx, last)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			if err := do(e); err != nil {
				return err
			}
			last = e.Seq
		}
	}
}
