package witness

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"sourdine/vault/translog"
)

// Roster takes a roster's file as the vault stores it. A leaf must name it, of
// the book or of the visit; else, or when it is too large, the error is
// [Refused]. It comes after Leaves. What is in it is compared at Commit.
func (v *Visit) Roster(raw []byte) error {
	return v.file(raw, MaxRoster, sumOf(raw), rosterFile, func(x *index) map[string]bool { return x.rosterSums }, nil)
}

// Order takes a signed order: the line return.json, and its armored signature.
// A leaf must name it, as for [Visit.Roster].
func (v *Visit) Order(raw []byte) error {
	json, _, ok := bytes.Cut(raw, []byte("\n"))
	if !ok {
		return refuse(Finding{Kind: FileUnreadable})
	}
	return v.file(raw, MaxOrder, sumOf(json), orderFile, func(x *index) map[string]bool { return x.orders }, v.book.better)
}

// file stores what a leaf names at once: under its own sum, and of no use to
// anyone before the leaf is committed.
func (v *Visit) file(
	raw []byte, limit int, sum string, name func(string) string, named func(*index) map[string]bool,
	better func(sum string, old, raw []byte) bool,
) error {
	b := v.book
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case v.done:
		return errEnded
	case v.added == nil:
		return errNoLeaves
	case len(raw) > limit:
		return refuse(Finding{Kind: FileUnreadable})
	case !named(b.index)[sum] && !named(v.added)[sum]:
		return refuse(Finding{Kind: FileUnnamed, Sum: sum})
	}
	old, err := read(b.fs, name(sum), int64(limit))
	switch {
	case err == nil && bytes.Equal(old, raw):
		return nil
	case err == nil && better != nil && !better(sum, old, raw):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("failed to read the desk's log: %w", err)
	}
	return replace(b.fs, name(sum), raw)
}

// better is false when an order would replace one that is good: the signature
// is not part of the name.
func (b *Book) better(sum string, old, _ []byte) bool {
	good := false
	_ = b.leaves(0, func(_ int64, line []byte) error { // a damaged book keeps nothing back
		if _, isSubmission, ok := subject(line); !ok || isSubmission || field(line, orderStart, sumSize) != sum {
			return nil
		}
		if leaf, err := translog.Decode(line); err == nil {
			d := leaf.(translog.Deletion)
			good = good || b.judgeOrder(old, orderUse{d.Order, d.By, d.Channel, d.Day}).wrong == ""
		}
		return nil
	})
	return !good
}

// A Change is what a committed visit did.
type Change struct {
	From, To int64 // the sizes of the log before and after
	Events   []Event
	Findings []Finding // in what is new, and forks that only show now
}

// Commit makes the visit a part of the book, durably, and ends it. After an
// error nothing happened, unless the disk failed at the very end: then Open
// tells. What it returns can be had again: [Book.Events], [Book.Audit].
func (v *Visit) Commit() (Change, error) {
	b := v.book
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case v.done:
		return Change{}, errEnded
	case v.added == nil:
		return Change{}, errNoLeaves
	}
	change := Change{From: b.head.Size, To: v.at.Size}
	if v.at.Size == b.head.Size && b.head.Checkpoint != "" {
		v.end()
		return change, nil
	}
	h, err := b.headAfter(v)
	if err != nil {
		return Change{}, err
	}
	forks, rest, err := b.comparePeers(v, h)
	if err != nil {
		return Change{}, err
	}
	if err := b.commitHead(h); err != nil {
		return Change{}, err
	}
	v.end()
	b.index.merge(v.added)
	b.head, b.last = h, v.at
	b.forgetPeers(rest)
	change.Findings = forks
	return b.tell(change), nil
}

// headAfter writes the new leaves out and returns the head that makes them
// count.
func (b *Book) headAfter(v *Visit) (head, error) {
	if len(v.added.ends) > 0 {
		if err := b.file.Sync(); err != nil {
			return head{}, fmt.Errorf("failed to write the desk's log: %w", err)
		}
	}
	f := b.head.Frontier
	if err := walk(b.file, v.added.start, v.added.bytes(), f.Append); err != nil {
		return head{}, fmt.Errorf("failed to read the desk's log again: %w", err)
	}
	if !f.EqualTo(v.at) {
		return head{}, fmt.Errorf("%w: the disk does not give back what was written", ErrDamaged)
	}
	seen := sight(b.head.Seen, v.at.Size, max(b.index.lastDay, v.added.lastDay))
	return head{V: version, Size: v.at.Size, Bytes: v.added.bytes(), Frontier: f, Checkpoint: string(v.signed), Seen: seen}, nil
}

func (b *Book) commitHead(h head) error {
	raw, err := h.encode()
	if err != nil {
		return err
	}
	return replace(b.fs, headName, raw)
}

// tell adds what a change means. What cannot be read any more is a finding: the
// change itself is made.
func (b *Book) tell(change Change) Change {
	events, err := b.events(change.From)
	findings, err2 := b.examine(change.From)
	change.Events = events
	change.Findings = append(change.Findings, findings...)
	if err := errors.Join(err, err2); err != nil {
		change.Findings = append(change.Findings, Finding{Kind: BookDamaged, Cause: err.Error()})
	}
	return change
}
