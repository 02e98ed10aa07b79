package desk

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sourdine/journalist-ui/casebook"
)

// Attach makes an item the next exhibit of a record, as [casebook.Casebook.Attach]
// does, after reading it to its end: what is not at the desk, or is not what the
// manifest says, never becomes an exhibit.
func (d *Desk) Attach(ctx context.Context, record, submission string, n int) (casebook.Exhibit, error) {
	if _, err := d.readThrough(ctx, submission, n); err != nil {
		return casebook.Exhibit{}, err
	}
	return d.book.Attach(ctx, record, submission, n)
}

// CheckExhibit reads an item to its end and says why it may not become an
// exhibit: an error of [Desk.Item], or [casebook.ErrInvalid] when no manifest
// tells its SHA-256.
func (d *Desk) CheckExhibit(ctx context.Context, submission string, n int) error {
	item, err := d.readThrough(ctx, submission, n)
	if err == nil && item.SHA256 == "" {
		err = fmt.Errorf("%w: nothing says what item %d of submission %s was when it was sealed", casebook.ErrInvalid, n, submission)
	}
	return err
}

// readThrough reads an item to its end and keeps nothing of it.
func (d *Desk) readThrough(ctx context.Context, submission string, n int) (casebook.Item, error) {
	item, plain, err := d.Item(ctx, submission, n)
	if err != nil {
		return item, err
	}
	_, err = io.CopyBuffer(onlyWriter{io.Discard}, plain, make([]byte, copyBuffer))
	return item, errors.Join(err, plain.Close())
}
