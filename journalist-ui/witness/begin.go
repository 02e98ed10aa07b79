package witness

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"sourdine/vault/translog"
)

// A beginning is what the leaves of a visit told of a new generation.
type beginning struct {
	restoration translog.Restored
	common      int64
}

// An aside keeps all leaves of a parcel, in a file that is no generation's yet.
type aside struct {
	file  file
	w     *bufio.Writer
	bytes int64
}

// putAside begins one if an accepted restoration waits for its log, else it
// returns nil.
func (b *Book) putAside() (*aside, error) {
	accepted, err := b.accepted()
	if err != nil || len(accepted) == 0 {
		return nil, err
	}
	f, err := b.fs.create(leavesFile(b.head.Generation + 1))
	if err != nil {
		return nil, fmt.Errorf("failed to write the desk's log: %w", err)
	}
	return &aside{file: f, w: bufio.NewWriterSize(io.NewOffsetWriter(f, 0), lineBuffer)}, nil
}

func (a *aside) add(line []byte) error {
	a.bytes += int64(len(line)) + 1
	return writeLine(a.w, line)
}

// restored refuses a log that goes on from a backup, until a person accepts it.
func (d *reading) restored(v *Visit, log *comparison, differs int64) error {
	b, r := d.book, *log.restored
	accepted, err := b.accepted()
	if err != nil {
		return err
	}
	leaf, err := translog.Encode(r)
	if err != nil {
		return err
	}
	sum := sumOf(leaf)
	if accepted[sum] && d.aside != nil {
		return d.beginGeneration(v, log, beginning{r, differs})
	}
	err = b.keepFork(Contradiction{Ours: b.head.Checkpoint, Theirs: string(v.signed), Kind: Restored, Differs: differs, Restored: string(leaf)})
	if err != nil {
		return err
	}
	v.refusal = refuse(Finding{Kind: Restored, Known: b.head.Size, Given: v.at.Size, Leaf: differs, Day: r.Day, Sum: sum})
	return v.refusal
}

// beginGeneration writes the restored log whole: what the parcel's leaves go on
// from, and they. It counts from the commit on.
func (d *reading) beginGeneration(v *Visit, log *comparison, begins beginning) error {
	f, err := d.book.fs.create(leavesFile(d.book.head.Generation+1) + newSuffix)
	if err != nil {
		return fmt.Errorf("failed to write the desk's log: %w", err)
	}
	x, err := d.writeWhole(f, log.with)
	if err != nil {
		return errors.Join(fmt.Errorf("failed to write the desk's log: %w", err), f.Close())
	}
	v.added, v.leaves, v.begins = x, f, &begins
	return nil
}

func (d *reading) writeWhole(f file, from *Book) (*index, error) {
	end := int64(0)
	if d.since > 0 {
		_, last := from.index.span(d.since - 1)
		end = last + 1
	}
	if err := d.aside.w.Flush(); err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(io.NewOffsetWriter(f, 0), lineBuffer)
	_, err := io.Copy(w, io.MultiReader(io.NewSectionReader(from.file, 0, end), io.NewSectionReader(d.aside.file, 0, d.aside.bytes)))
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return nil, err
	}
	x := newIndex(0, 0)
	err = walk(f, 0, end+d.aside.bytes, func(line []byte) error {
		if !x.add(line) {
			return errLine
		}
		return nil
	})
	return x, err
}

// beginsAfter makes the new generation's leaves durable under their name, and
// keeps the head of the one that ends.
func (v *Visit) beginsAfter(h head) error {
	b := v.book
	name := leavesFile(h.Generation)
	err := b.fs.rename(name+newSuffix, name)
	if err == nil {
		err = b.fs.syncFolder(".")
	}
	if err != nil {
		return fmt.Errorf("failed to write the desk's log: %w", err)
	}
	raw, err := b.head.encode()
	if err != nil {
		return err
	}
	return replace(b.fs, lastHead(b.head.Generation), raw)
}
