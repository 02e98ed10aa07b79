package admin

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/translog"
)

// A Receipt says what became of a return parcel.
type Receipt struct {
	Name  string        `json:"name"`  // of the reviewer
	Again bool          `json:"again"` // it had been applied before, and changed nothing now
	Note  order.Applied `json:"note"`  // what the vault signed, for the reviewer's desk
}

// Reasons why a whole return parcel is refused, beside those of packages order
// and parcel. All wrap [ErrRefused].
var (
	// ErrStranger: no roster has the reviewer whom the parcel names.
	ErrStranger = fmt.Errorf("%w: the return parcel is by nobody who is a reviewer here", ErrRefused)
	// ErrOtherLog: the desk was shown another log than this vault's.
	ErrOtherLog = fmt.Errorf("%w: this desk has seen another log", ErrRefused)
)

// A SequenceError refuses a return parcel that is not the next of its desk.
type SequenceError struct {
	Got, Expected uint64
	// Restored: the vault goes on from a backup, and the desk had not seen that.
	Restored bool
}

func (e *SequenceError) Error() string {
	switch {
	case e.Got > e.Expected && e.Restored:
		return fmt.Sprintf("refused: this server was restored from a backup, which this desk had not seen yet: its return parcel has number %d, and number %d is expected; let it import a new parcel, and make another", e.Got, e.Expected)
	case e.Got > e.Expected:
		return fmt.Sprintf("refused: a return parcel of this desk is missing: this one has number %d, and number %d is expected", e.Got, e.Expected)
	case e.Got+1 == e.Expected:
		return fmt.Sprintf("refused: another return parcel had number %d already: number %d is expected", e.Got, e.Expected)
	}
	return fmt.Sprintf("refused: the return parcel is an older one: it has number %d, and number %d is expected", e.Got, e.Expected)
}

// Unwrap makes it an [ErrRefused].
func (e *SequenceError) Unwrap() error { return ErrRefused }

// ApplyParcel reads a return parcel to its end, and applies it in one
// transaction. The same parcel a second time changes nothing and has the same
// receipt; then, as when it is refused, it may not be read to its end. What its reviewer may not do is refused thing by thing, in the
// receipt; a parcel that is altered, for another server, out of sequence, or from
// a desk that was shown another log, is refused as a whole.
func (l *Local) ApplyParcel(ctx context.Context, r io.Reader) (Receipt, error) {
	p, member, err := l.readReturn(ctx, r)
	if err != nil {
		return Receipt{}, err
	}
	if p.before != nil {
		return Receipt{Name: member.Name, Again: true, Note: *p.before}, nil
	}
	defer p.release()
	// Whether a submission ever was is looked up in the log.
	if _, err := l.vault.Batch(ctx); err != nil {
		return Receipt{}, l.stored(err)
	}
	receipt := Receipt{Name: member.Name}
	err = l.vault.Apply(ctx, func(c *vault.Change) error {
		a := applying{local: l, change: c, returned: p}
		return a.run(&receipt)
	})
	var sequence *SequenceError
	switch {
	case errors.As(err, &sequence):
		return Receipt{}, sequence // without the vault's words around it
	case errors.Is(err, ErrStranger):
		return Receipt{}, ErrStranger
	case err != nil:
		return Receipt{}, l.stored(err)
	}
	return receipt, nil
}

// stored marks an error of the disk.
func (l *Local) stored(err error) error {
	if l.isStorage(err) {
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	return err
}

// compareLogs refuses the order of a desk that was shown another log than this
// one, and keeps the proof for the admin.
func (l *Local) compareLogs(o *order.Return) error {
	err := l.checkSeen(o)
	if errors.Is(err, ErrOtherLog) {
		return errors.Join(err, l.keepFork(o))
	}
	return err
}

func (l *Local) checkSeen(o *order.Return) error {
	if o.Checkpoint == "" { // nothing seen
		return nil
	}
	head, err := translog.OpenCheckpoint([]byte(o.Checkpoint), l.publicKey)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	size, err := l.vault.LogSize()
	if err != nil {
		return err
	}
	if o.Seen > size {
		return fmt.Errorf("%w: it has %d entries, and this vault's has only %d", ErrOtherLog, o.Seen, size)
	}
	root, err := translog.Root(o.Seen, l.vault)
	if err != nil {
		return err
	}
	if root != head.Root {
		return fmt.Errorf("%w: its first %d entries are not those of this vault", ErrOtherLog, o.Seen)
	}
	return nil
}
