package witness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"sourdine/vault/translog"
)

// A reading compares leaves with the book and writes the new ones behind those
// that count. While a person accepted a restoration that no parcel brought yet,
// it puts all leaves aside, too: they may be the ones.
type reading struct {
	book  *Book
	since int64
	next  int64         // the leaf that comes next
	logs  []*comparison // with each generation that the leaves may go on from, the newest first
	added *index
	tail  *bufio.Writer
	aside *aside // nil when nothing waits
}

// A comparison holds the parcel's log to one generation.
type comparison struct {
	with     *Book
	frontier translog.Frontier // of the log as the parcel tells it after this generation's leaves
	differs  int64             // the first leaf that this generation has otherwise, or -1
	leaf     []byte            // that leaf, as the parcel tells it

	// restored is how the parcel's log leaves this generation: the first leaf that
	// differs, or the first of its kind behind the end.
	restored *translog.Restored
}

func (b *Book) beginReading(since int64) (*reading, error) {
	d := &reading{book: b, since: since, next: since, added: newIndex(b.index.size(), b.index.bytes())}
	for g := b; g != nil && since >= 0; g = g.before {
		if since > g.head.Size {
			continue
		}
		f, err := g.frontierAt(since)
		if err != nil {
			return nil, err
		}
		d.logs = append(d.logs, &comparison{with: g, frontier: f, differs: -1})
	}
	if len(d.logs) == 0 {
		return nil, refuse(Finding{Kind: Gap, Known: b.head.Size, Given: since})
	}
	// What an interrupted visit left there does not count.
	if err := b.file.Truncate(b.head.Bytes); err != nil {
		return nil, fmt.Errorf("failed to write the desk's log: %w", err)
	}
	d.tail = bufio.NewWriterSize(io.NewOffsetWriter(b.file, b.head.Bytes), lineBuffer)
	var err error
	d.aside, err = b.putAside()
	return d, err
}

func (d *reading) close() {
	if d.aside != nil {
		_ = d.aside.file.Close() // what is in it was copied, or is of no use
	}
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
	number := d.next
	d.next++
	restored := d.book.restoredNow(number, line)
	for _, log := range d.logs {
		if err := log.take(number, line, restored); err != nil {
			return err
		}
	}
	isNew := d.goesOn() && number >= d.book.head.Size
	if !isNew && d.aside == nil {
		return nil
	}
	if _, err := translog.Decode(line); err != nil {
		return refuse(Finding{Kind: LeafUnreadable, Leaf: number, Cause: err.Error()})
	}
	if d.aside != nil {
		if err := d.aside.add(line); err != nil {
			return err
		}
	}
	if !isNew {
		return nil
	}
	d.added.add(line)
	return writeLine(d.tail, line)
}

func writeLine(w *bufio.Writer, line []byte) error {
	_, err := w.Write(line)
	if err == nil {
		err = w.WriteByte('\n')
	}
	if err != nil {
		return fmt.Errorf("failed to write the desk's log: %w", err)
	}
	return nil
}

// own is the comparison with the book as it is; nil when the parcel's leaves begin
// after its end.
func (d *reading) own() *comparison {
	if d.logs[0].with != d.book {
		return nil
	}
	return d.logs[0]
}

// goesOn reports whether nothing so far contradicts the book.
func (d *reading) goesOn() bool { return d.own() != nil && d.own().differs < 0 }

// take compares the next leaf. restored is what it says of a restoration, if that
// is new.
func (c *comparison) take(number int64, line []byte, restored *translog.Restored) error {
	if err := c.frontier.Append(line); err != nil || c.differs >= 0 {
		return err
	}
	if number < c.with.head.Size {
		known, err := c.with.raw(c.with.index, number)
		if err != nil || bytes.Equal(known, line) {
			return err
		}
		c.differs, c.leaf = number, bytes.Clone(line)
	}
	if c.restored == nil {
		c.restored = restored
	}
	return nil
}

// restoredNow reads a leaf that says that the vault was restored, if none of the
// book's generations has it: a restoration that was accepted once explains no
// other log. It is nil for other leaves.
func (b *Book) restoredNow(number int64, line []byte) *translog.Restored {
	if !bytes.HasPrefix(line, []byte(restoredStart)) {
		return nil
	}
	leaf, err := translog.Decode(line)
	if err != nil {
		return nil
	}
	if r, ok := leaf.(translog.Restored); ok && r.Size == number && !b.knows(sumOf(line)) {
		return &r
	}
	return nil
}

// verdict tells a parcel whose leaves are wrong from a log that is another one:
// that one comes out at a root that the vault signed.
func (d *reading) verdict(v *Visit) error {
	signed := slices.DeleteFunc(slices.Clone(d.logs), func(c *comparison) bool { return !c.frontier.EqualTo(v.at) })
	switch {
	case len(signed) == 0 && v.contradicts:
		return v.fork()
	case len(signed) == 0:
		return d.notSigned(v)
	case signed[0] == d.own() && d.goesOn():
		v.added = d.added
		return nil
	}
	differs, err := d.firstDifference(signed[0])
	if err != nil {
		return err
	}
	for _, log := range signed {
		if log.restored != nil {
			return d.restored(v, log, differs)
		}
	}
	return d.another(v, signed, differs)
}

// firstDifference is the first leaf that the book has otherwise than a log that
// the parcel tells.
func (d *reading) firstDifference(log *comparison) (int64, error) {
	if log.with != d.book {
		before, err := d.book.firstDifference(log.with)
		if err != nil || before < d.since {
			return before, err
		}
	}
	return d.own().differs, nil
}

// another refuses a log that contradicts the book, and that no restoration
// explains.
func (d *reading) another(v *Visit, signed []*comparison, differs int64) error {
	b := d.book
	f := Finding{Kind: Fork, Known: b.head.Size, Given: v.at.Size, Leaf: differs}
	if slices.ContainsFunc(signed, func(c *comparison) bool { return c.with != b && c.differs < 0 }) {
		f.Kind = OtherLog // it goes on from what the vault lost
	}
	err := b.keepFork(Contradiction{Ours: b.head.Checkpoint, Theirs: string(v.signed), Kind: f.Kind, Differs: differs})
	if err != nil {
		return err
	}
	v.refusal = refuse(f)
	return v.refusal
}

// notSigned refuses leaves that are not those of the checkpoint.
func (d *reading) notSigned(v *Visit) error {
	b := d.book
	if own := d.own(); own != nil && own.differs >= 0 {
		kind, err := b.howDiffers(own.leaf)
		if err != nil {
			return err
		}
		return refuse(Finding{Kind: kind, Leaf: own.differs})
	}
	if err := b.remember(v.signed, v.at); err != nil {
		return err
	}
	return refuse(Finding{Kind: RootDiffers, Known: b.head.Size, Given: v.at.Size})
}

// howDiffers tells a leaf that the book has elsewhere from one that it does not
// have.
func (b *Book) howDiffers(line []byte) (Kind, error) {
	kind := LeafChanged
	err := b.leaves(0, func(_ int64, other []byte) error {
		if bytes.Equal(other, line) {
			kind = LeavesReordered
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("failed to read the desk's log: %w", err)
	}
	return kind, nil
}
