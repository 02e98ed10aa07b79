package witness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"sourdine/vault/translog"
)

// A Visit is what one parcel tells of the log. Nothing of it is in the book
// before Commit. It is for one goroutine, and must be ended, by Commit or by
// Drop.
type Visit struct {
	book   *Book
	signed []byte
	at     translog.Checkpoint
	added  *index // the new leaves, when they are proven
	done   bool
}

// Begin takes a signed checkpoint. It returns [Refused] errors: of [Signature];
// of [Rollback] (also [ErrRollback]) for one that is older than the last and
// agrees with it, in which case the parcel's submissions can be checked against
// the book as it is; of [Fork] (also [ErrFork]) for one that contradicts the
// book, which is kept as evidence. While another visit is not ended it returns
// [ErrBusy].
func (b *Book) Begin(signedCheckpoint []byte) (*Visit, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.visit != nil {
		return nil, ErrBusy
	}
	if err := b.refresh(); err != nil {
		return nil, err
	}
	c, err := translog.OpenCheckpoint(signedCheckpoint, b.vaultKey)
	if err != nil {
		return nil, refuse(Finding{Kind: Signature, Cause: err.Error()})
	}
	if c.Size <= b.head.Size {
		if err := b.agrees(c, signedCheckpoint); err != nil {
			return nil, err
		}
	}
	if c.Size < b.head.Size {
		return nil, refuse(Finding{Kind: Rollback, Known: b.head.Size, Given: c.Size})
	}
	v := &Visit{book: b, signed: bytes.Clone(signedCheckpoint), at: c}
	if c.Size == b.head.Size {
		v.added = newIndex(b.index.size(), b.index.bytes())
	}
	b.visit = v
	return v, nil
}

// Size is how many leaves the log has, as signed.
func (v *Visit) Size() int64 { return v.at.Size }

// Drop ends the visit and forgets what it brought. After Commit it does
// nothing.
func (v *Visit) Drop() {
	v.book.mu.Lock()
	defer v.book.mu.Unlock()
	v.end()
}

func (v *Visit) end() {
	v.done = true
	if v.book.visit == v {
		v.book.visit = nil
	}
}

var errEnded = errors.New("the visit is ended")

// Leaves takes the parcel's leaves, each on a line: those from since on, up to
// the checkpoint's size. Those that the book has must be equal, and all together
// must come out at the signed root: else the error is [Refused]. It reads r to
// its end, and returns r's own error as it is. It may be left out when the log
// did not grow.
func (v *Visit) Leaves(r io.Reader, since int64) error {
	// Only a visit changes what is read here, and this is the one: nobody needs
	// to wait for r.
	b := v.book
	switch {
	case v.done:
		return errEnded
	case since < 0 || since > b.head.Size:
		return refuse(Finding{Kind: Gap, Known: b.head.Size, Given: since})
	}
	v.added = nil // of an earlier call
	reading, err := b.beginReading(since)
	if err != nil {
		return err
	}
	if err := reading.all(newLineReader(r, translog.MaxLeaf), v.at); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := reading.verdict(v); err != nil {
		return err
	}
	v.added = reading.added
	return nil
}

// A reading compares leaves with the book and writes the new ones behind those
// that count.
type reading struct {
	book     *Book
	next     int64             // the leaf that comes next
	frontier translog.Frontier // of the log as the parcel tells it
	added    *index
	tail     *bufio.Writer

	differs int64 // the first leaf that the book has otherwise, or -1
	kind    Kind  // how it differs
}

func (b *Book) beginReading(since int64) (*reading, error) {
	frontier, err := b.frontierAt(since)
	if err != nil {
		return nil, err
	}
	// What an interrupted visit left there does not count.
	if err := b.file.Truncate(b.head.Bytes); err != nil {
		return nil, fmt.Errorf("failed to write the desk's log: %w", err)
	}
	tail := bufio.NewWriterSize(io.NewOffsetWriter(b.file, b.head.Bytes), lineBuffer)
	return &reading{
		book: b, next: since, frontier: frontier, differs: -1,
		added: newIndex(b.index.size(), b.index.bytes()), tail: tail,
	}, nil
}

// frontierAt returns that of the first size leaves of the book.
func (b *Book) frontierAt(size int64) (translog.Frontier, error) {
	if size == b.head.Size {
		return b.head.Frontier, nil
	}
	var f translog.Frontier
	if size == 0 {
		return f, nil
	}
	_, end := b.index.span(size - 1)
	err := walk(b.file, 0, end+1, f.Append)
	if err != nil {
		return f, fmt.Errorf("failed to read the desk's log: %w", err)
	}
	return f, nil
}

func (d *reading) all(lines *lineReader, c translog.Checkpoint) error {
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			if d.next < c.Size {
				return refuse(Finding{Kind: LeavesTooFew, Known: c.Size, Given: d.next})
			}
			if err := d.tail.Flush(); err != nil {
				return fmt.Errorf("failed to write the desk's log: %w", err)
			}
			return nil
		case errors.Is(err, errLine):
			return refuse(Finding{Kind: LeafUnreadable, Leaf: d.next})
		case err != nil:
			return err
		case d.next >= c.Size:
			return refuse(Finding{Kind: LeavesTooMany, Known: c.Size})
		}
		if err := d.one(line); err != nil {
			return err
		}
	}
}

func (d *reading) one(line []byte) error {
	if err := d.frontier.Append(line); err != nil {
		return err
	}
	number := d.next
	d.next++
	switch {
	case number < d.book.head.Size:
		return d.compare(number, line)
	case d.differs >= 0:
		return nil
	}
	if _, err := translog.Decode(line); err != nil {
		return refuse(Finding{Kind: LeafUnreadable, Leaf: number, Cause: err.Error()})
	}
	d.added.add(line)
	_, err := d.tail.Write(line)
	if err == nil {
		err = d.tail.WriteByte('\n')
	}
	if err != nil {
		return fmt.Errorf("failed to write the desk's log: %w", err)
	}
	return nil
}

// compare looks at a leaf that the book has.
func (d *reading) compare(number int64, line []byte) error {
	own, err := d.book.raw(d.book.index, number)
	if err != nil || bytes.Equal(own, line) || d.differs >= 0 {
		return err
	}
	d.differs, d.kind = number, LeafChanged
	err = d.book.leaves(0, func(_ int64, other []byte) error {
		if bytes.Equal(other, line) {
			d.kind = LeavesReordered
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("failed to read the desk's log: %w", err)
	}
	return nil
}

// verdict tells a parcel whose leaves are wrong from a log that is another one:
// that one comes out at a root that the vault signed.
func (d *reading) verdict(v *Visit) error {
	b, signed := d.book, d.frontier.EqualTo(v.at)
	switch {
	case signed && d.differs < 0:
		return nil
	case signed:
		if err := b.keepEvidence(v.signed); err != nil {
			return err
		}
		return refuse(Finding{Kind: Fork, Known: b.head.Size, Given: v.at.Size, Leaf: d.differs})
	case d.differs >= 0:
		return refuse(Finding{Kind: d.kind, Leaf: d.differs})
	}
	if err := b.remember(v.signed, v.at); err != nil {
		return err
	}
	return refuse(Finding{Kind: RootDiffers, Known: b.head.Size, Given: v.at.Size})
}
