package witness

import "errors"

// A Finding is one thing that is wrong. Which data it has depends on its kind:
// see there.
type Finding struct {
	Kind        Kind   `json:"kind"`
	ID          string `json:"id,omitempty"` // of the submission, if it is about one
	Channel     string `json:"channel,omitempty"`
	Day         string `json:"day,omitempty"`
	Epoch       uint64 `json:"epoch,omitempty"`
	Item        int    `json:"item,omitempty"` // of the submission; 0 is the manifest
	Leaf        int64  `json:"leaf,omitempty"` // index in the log, from 0
	Known       int64  `json:"known,omitempty"`
	Given       int64  `json:"given,omitempty"`
	Name        string `json:"name,omitempty"`        // of a reviewer
	Fingerprint string `json:"fingerprint,omitempty"` // of a reviewer, upper-case hexadecimal
	KeyID       string `json:"key_id,omitempty"`      // of a recipient, 16 upper-case hexadecimal digits
	Key         string `json:"key,omitempty"`         // a recipient's fingerprint, when the envelope tells it
	Sum         string `json:"sum,omitempty"`         // SHA-256 of a roster, an order or a restoration's leaf, lower-case hexadecimal
	Cause       string `json:"cause,omitempty"`       // what the package that refused it said
}

// Errors that callers branch on; [Refused] errors unwrap to the first two.
var (
	// ErrRollback: the checkpoint is older than what was seen, and agrees with it.
	// The parcel's submissions can be checked against the book as it is.
	ErrRollback = errors.New("an earlier state of the log")
	// ErrBeforeRestore: another desk's checkpoint is of the log as it was before
	// the vault was restored from a backup.
	ErrBeforeRestore = errors.New("that desk has not imported anything since the server was restored from a backup")
	// ErrFork: the checkpoint contradicts the book. The evidence is kept.
	ErrFork = errors.New("the log was forked")
	// ErrNotYet: another desk has seen more of the log than this one. Its
	// checkpoint is remembered, and compared when this desk has seen as much.
	ErrNotYet = errors.New("the other desk has seen more of the log: it is compared after the next import")
	// ErrBusy: another visit is not ended.
	ErrBusy = errors.New("another import is writing the desk's log")
	// ErrDamaged: what is stored is not what the vault signed.
	ErrDamaged = errors.New("the desk's log is damaged")
	// ErrExists: there is a book already.
	ErrExists = errors.New("the desk's log is there already")
)

// A Refused error says why a checkpoint, leaves, a proof or a file was not
// taken.
type Refused struct{ Finding Finding }

func refuse(f Finding) error { return &Refused{Finding: f} }

func (r *Refused) Error() string {
	s, ok := sentences()[r.Finding.Kind]
	if !ok {
		return string(r.Finding.Kind)
	}
	return s.says
}

// Unwrap returns the sentinel of the kind, if it has one.
func (r *Refused) Unwrap() error {
	switch r.Finding.Kind {
	case Rollback:
		return ErrRollback
	case Fork:
		return ErrFork
	}
	return nil
}
