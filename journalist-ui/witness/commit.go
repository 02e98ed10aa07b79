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

// Order takes a signed order: the line deletions.json, and its armored signature.
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
	if err := v.ready(); err != nil {
		return err
	}
	switch {
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
	From, To int64 // the leaves that are new; To is the size of the log
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
	if err := v.ready(); err != nil {
		return Change{}, err
	}
	change := Change{From: b.head.Size, To: v.at.Size}
	if v.begins != nil {
		change.From = v.begins.common
	} else if v.at.Size == b.head.Size && b.head.Checkpoint != "" {
		return change, errors.Join(b.settle(), v.end())
	}
	h, err := b.headAfter(v)
	if err != nil {
		return Change{}, err
	}
	forks, rest, err := b.comparePeers(v, h)
	if err != nil {
		return Change{}, err
	}
	if v.begins != nil {
		err = v.beginsAfter(h)
	}
	if err == nil {
		err = b.commitHead(h)
	}
	if err != nil {
		return Change{}, err
	}
	v.take(h)
	b.forgetPeers(rest)
	change.Findings = forks
	return b.tell(change), nil
}

// take makes what was committed the book's.
func (v *Visit) take(h head) {
	b := v.book
	if v.begins == nil {
		b.index.merge(v.added)
		b.head, b.last = h, v.at
	} else {
		old := &Book{fs: b.fs, vaultKey: b.vaultKey, generation: b.generation}
		b.generation = generation{cache: newRosterCache(), file: v.leaves, head: h, last: v.at, index: v.added, before: old}
	}
	_ = v.end() // the file is the book's
}

// headAfter writes the new leaves out and returns the head that makes them
// count.
func (b *Book) headAfter(v *Visit) (head, error) {
	if len(v.added.ends) > 0 {
		if err := v.leaves.Sync(); err != nil {
			return head{}, fmt.Errorf("failed to write the desk's log: %w", err)
		}
	}
	h, lastDay := b.head, b.index.lastDay
	if v.begins != nil {
		h, lastDay = v.firstHead(), ""
	}
	if err := walk(v.leaves, v.added.start, v.added.bytes(), h.Frontier.Append); err != nil {
		return head{}, fmt.Errorf("failed to read the desk's log again: %w", err)
	}
	if !h.Frontier.EqualTo(v.at) {
		return head{}, fmt.Errorf("%w: the disk does not give back what was written", ErrDamaged)
	}
	h.V, h.Size, h.Bytes, h.Checkpoint = version, v.at.Size, v.added.bytes(), string(v.signed)
	// A day that has not come would make everything that follows late.
	h.Seen = sight(h.Seen, v.at.Size, min(max(lastDay, v.added.lastDay), today()))
	return h, nil
}

// firstHead is that of a new generation before its leaves are counted. What was
// seen of leaves that are gone says nothing about those that come.
func (v *Visit) firstHead() head {
	b, begins := v.book, v.begins
	h := head{Generation: b.head.Generation + 1, Restored: begins.restoration.Size, Common: begins.common}
	for _, s := range b.head.Seen {
		if s.Size <= begins.common {
			h.Seen = append(h.Seen, s)
		}
	}
	return h
}

// settle makes sure that the head is durable: an earlier commit may have failed
// at its very end.
func (b *Book) settle() error {
	if err := b.fs.syncFolder("."); err != nil {
		return fmt.Errorf("failed to write the desk's log: %w", err)
	}
	return nil
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
