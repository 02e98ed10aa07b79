package parcel

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"sourdine/vault"
)

// A Request says what a parcel is to hold.
type Request struct {
	// Reviewer is the fingerprint of the one it is for, upper-case hexadecimal:
	// then it holds what they may read and have not acknowledged, and the log
	// since what their desk has seen. Empty: what somebody has not
	// acknowledged, and the whole log.
	Reviewer string
	// Size is that of the log to show, in leaves: what joined it later is left for
	// another parcel. Zero: the log as it is.
	Size int64
	// After is the last submission that the parcel before this one held.
	After vault.ID
	// Bytes is about how large its submissions may be together, with their
	// proofs; zero: as large as they get. What the parcel shows of the log comes
	// on top, and it holds one submission at least.
	Bytes int64
}

// ErrOutdated: the vault cannot show the log at the size that was asked for, or a
// submission has changed since the parcel was planned. Whoever asks again
// without a size gets what is there now.
var ErrOutdated = errors.New("the vault has changed: the parcel must be asked for anew")

// fingerprints are those of certificates of version 4 and 6, or none.
var fingerprints = regexp.MustCompile(`^([0-9A-F]{40}|[0-9A-F]{64})?$`)

// A span is which leaves of the log a parcel has, and at which size it shows the
// log.
type span struct{ since, size int64 }

// span checks a request. A reviewer who is on no roster now gets nothing: it is
// an error that wraps [vault.ErrNotFound].
func (r Request) span(v *vault.Vault) (s span, err error) {
	switch {
	case !fingerprints.MatchString(r.Reviewer):
		return s, errors.New("a reviewer is named by a fingerprint of 40 or 64 upper-case hexadecimal digits")
	case r.Size < 0 || r.Bytes < 0:
		return s, errors.New("a parcel's size is not negative")
	}
	if s.size, err = v.LogSize(); err != nil {
		return s, err
	}
	if r.Size > s.size {
		return s, ErrOutdated // the vault was restored from an older backup
	}
	seen, err := r.seen(v)
	if err != nil {
		return s, err
	}
	s.since = min(seen, s.size)
	if r.Size > 0 {
		s.size = r.Size
	}
	if s.since > s.size {
		return s, ErrOutdated // the desk would take it for a log that lost leaves
	}
	return s, nil
}

// seen is how many leaves the reviewer's desk has.
func (r Request) seen(v *vault.Vault) (int64, error) {
	if r.Reviewer == "" {
		return 0, nil
	}
	rosters, err := v.Channels()
	if err != nil {
		return 0, err
	}
	isOn := func(roster vault.Roster) bool {
		return slices.ContainsFunc(roster.Members, func(m vault.Member) bool { return m.Fingerprint == r.Reviewer })
	}
	if !slices.ContainsFunc(rosters, isOn) {
		return 0, fmt.Errorf("reviewer %s: %w", r.Reviewer, vault.ErrNotFound)
	}
	desk, _, err := v.Desk(r.Reviewer)
	return desk.Seen, err
}
