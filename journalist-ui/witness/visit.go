package witness

import (
	"bytes"
	"errors"
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
	leaves file   // where they are
	done   bool

	contradicts bool       // the checkpoint alone does: the leaves may tell why
	refusal     error      // what they told of a log that is another one
	begins      *beginning // what they told, and a person accepted
}

// Begin takes a signed checkpoint. It returns [Refused] errors: of [Signature];
// of [Rollback] (also [ErrRollback]) for one that is older than the last and
// agrees with it, or of [OldLog] for one that agrees with the log as it was
// before the vault was restored, in which cases the parcel's submissions can be
// checked against the book as it is. Why a checkpoint contradicts the book its
// leaves tell. While another visit is not ended it returns [ErrBusy].
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
	v := &Visit{book: b, signed: bytes.Clone(signedCheckpoint), at: c, leaves: b.file}
	if err := v.compare(); err != nil {
		return nil, err
	}
	b.visit = v
	return v, nil
}

// compare compares the checkpoint with the book.
func (v *Visit) compare() error {
	b, c := v.book, v.at
	agrees, err := b.agrees(c)
	switch {
	case err != nil:
		return err
	case agrees && c.Size < b.head.Size:
		return refuse(Finding{Kind: Rollback, Known: b.head.Size, Given: c.Size})
	case agrees:
		v.added = newIndex(b.index.size(), b.index.bytes())
		return nil
	}
	old, err := b.agreedBefore(c)
	if err != nil {
		return err
	}
	if old {
		return refuse(Finding{Kind: OldLog, Known: b.head.Size, Given: c.Size})
	}
	v.contradicts = c.Size <= b.head.Size
	return nil
}

// Size is how many leaves the log has, as signed.
func (v *Visit) Size() int64 { return v.at.Size }

// Begins tells whether the visit begins a new generation.
func (v *Visit) Begins() bool { return v.begins != nil }

// Drop ends the visit and forgets what it brought. After Commit it does nothing.
// When nothing told why the checkpoint contradicts the book, it keeps the
// evidence and returns a [Refused] error of [Fork].
func (v *Visit) Drop() error {
	v.book.mu.Lock()
	defer v.book.mu.Unlock()
	var err error
	if !v.done && v.contradicts && v.begins == nil && v.refusal == nil {
		err = v.fork()
	}
	return errors.Join(err, v.end())
}

// end closes what a generation that does not begin would have been.
func (v *Visit) end() error {
	v.done = true
	if v.book.visit == v {
		v.book.visit = nil
	}
	if v.leaves == v.book.file {
		return nil
	}
	return v.leaves.Close()
}

// fork refuses a checkpoint that contradicts the book, for ever.
func (v *Visit) fork() error {
	if v.refusal != nil {
		return v.refusal
	}
	f := Finding{Kind: Fork, Known: v.book.head.Size, Given: v.at.Size}
	if err := v.book.keepFork(Contradiction{Ours: v.book.head.Checkpoint, Theirs: string(v.signed), Kind: f.Kind}); err != nil {
		return err
	}
	v.refusal = refuse(f)
	return v.refusal
}

var errEnded = errors.New("the visit is ended")

// ready is nil when the leaves are proven.
func (v *Visit) ready() error {
	switch {
	case v.done:
		return errEnded
	case v.added != nil:
		return nil
	case v.contradicts || v.refusal != nil:
		return v.fork()
	}
	return refuse(Finding{Kind: LeavesTooFew, Known: v.at.Size, Given: v.book.head.Size})
}

// Leaves takes the parcel's leaves, each on a line: those from since on, up to
// the checkpoint's size. Those that the book has must be equal, and all together
// must come out at the signed root: else the error is [Refused]. Of [Fork] (also
// [ErrFork]) and [OtherLog] it is for a log that contradicts the book, of
// [Restored] for one that goes on from a backup of the vault and that nobody
// accepted yet ([Book.AcceptRestored]); of all three the evidence is kept. It
// reads r to its end, and returns r's own error as it is. It may be left out when
// the log did not grow.
func (v *Visit) Leaves(r io.Reader, since int64) error {
	// Only a visit changes what is read here, and this is the one: nobody needs
	// to wait for r.
	b := v.book
	switch {
	case v.done:
		return errEnded
	case v.refusal != nil:
		return v.refusal
	}
	if err := v.forget(); err != nil {
		return err
	}
	d, err := b.beginReading(since)
	if err == nil {
		defer d.close()
		err = d.all(newLineReader(r, translog.MaxLeaf), v.at)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		err = d.verdict(v)
	}
	var refused *Refused
	if v.contradicts && errors.As(err, &refused) { // whatever is wrong with its leaves
		err = v.fork()
	}
	return err
}

// forget drops what an earlier call of Leaves took.
func (v *Visit) forget() error {
	v.added, v.begins = nil, nil
	written := v.leaves
	v.leaves = v.book.file
	if written == v.leaves {
		return nil
	}
	return written.Close()
}
