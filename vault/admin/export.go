package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"sourdine/vault"
	"sourdine/vault/parcel"
)

// An Export says what an outbound parcel is to hold.
type Export struct {
	Reviewer string `json:"reviewer"` // fingerprint or name of the one it is for; empty: for all
	After    string `json:"after"`    // the submission after which it begins; empty: at the first
	// Size is that of the log to show, in leaves, so that all parts of one export
	// show the same; 0: the log as it is, with what is pending.
	Size  int64 `json:"size"`
	Bytes int64 `json:"bytes"` // about how large it may be; 0: as large as it gets
}

// A Rest is what one parcel did not take.
type Rest struct {
	Count int    // of submissions
	After string // the id of the last one taken; empty when none was
	Size  int64  // of the log that the parcel shows

	// Unreadable counts the submissions that the parcel is without because the
	// disk cannot read them; Named lists the first of them, to be read.
	Unreadable int
	Named      string
}

// ExportParcel writes an outbound parcel. Nothing is written before the errors
// that the vault and the request can have, but one: [parcel.ErrUnreadable] is known
// only when it is read, and who asks again gets a parcel without what it is about.
func (l *Local) ExportParcel(ctx context.Context, w io.Writer, e Export) (Rest, error) {
	plan, err := l.Plan(ctx, e)
	if err != nil {
		return Rest{}, err
	}
	rest := Rest{Count: plan.Index().Left, Size: plan.Index().Size,
		Unreadable: len(plan.Unreadable()), Named: listed(plan.Unreadable())}
	if plan.Last() != (vault.ID{}) {
		rest.After = plan.Last().String()
	}
	return rest, plan.Write(ctx, w)
}

// Plan plans a parcel. Unless the export says which log it is to show, what is
// pending joins the log first. It returns [parcel.ErrOutdated] when that log does
// not tell any more what became of everything.
func (l *Local) Plan(ctx context.Context, e Export) (*parcel.Plan, error) {
	request, err := l.request(e)
	if err = errors.Join(l.CheckKey(), err); err != nil {
		return nil, err
	}
	plan, err := parcel.Prepare(ctx, l.vault, l.secret, request)
	return plan, l.stored(err)
}

// Parts lists what Export.After is to be for each of the parcels that carry
// everything: "" first.
func (l *Local) Parts(ctx context.Context, e Export) ([]string, error) {
	request, err := l.request(e)
	if err != nil {
		return nil, err
	}
	ids, err := parcel.Parts(ctx, l.vault, request)
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(ids))
	for i, id := range ids[1:] {
		parts[i+1] = id.String()
	}
	return parts, nil
}

func (l *Local) request(e Export) (parcel.Request, error) {
	r := parcel.Request{Size: e.Size, Bytes: e.Bytes}
	if e.Size < 0 || e.Bytes < 0 {
		return r, fmt.Errorf("%w: a parcel's size is not negative", ErrRefused)
	}
	if e.After != "" {
		var err error
		if r.After, err = vault.ParseID(e.After); err != nil {
			return r, refused(err)
		}
	}
	if e.Reviewer == "" {
		return r, nil
	}
	reviewer, err := l.findReviewer(e.Reviewer)
	r.Reviewer = reviewer.Fingerprint
	return r, err
}

// Reviewers lists who is on a roster, each once, by fingerprint.
func (l *Local) Reviewers() ([]vault.Member, error) {
	rosters, err := l.vault.Channels()
	if err != nil {
		return nil, err
	}
	var members []vault.Member
	seen := map[string]bool{}
	for _, roster := range rosters {
		for _, m := range roster.Members {
			if !seen[m.Fingerprint] {
				seen[m.Fingerprint] = true
				members = append(members, m)
			}
		}
	}
	return members, nil
}

// findReviewer finds a reviewer by fingerprint, blanks allowed, or by a name
// that only one has.
func (l *Local) findReviewer(wanted string) (found vault.Member, err error) {
	members, err := l.Reviewers()
	if err != nil {
		return found, err
	}
	return findAmong(members, wanted, "")
}

// findAmong finds one among some reviewers; of says which they are.
func findAmong(members []vault.Member, wanted, of string) (found vault.Member, err error) {
	named := 0
	for _, m := range members {
		if m.Fingerprint == strings.ToUpper(strings.ReplaceAll(wanted, " ", "")) {
			return m, nil
		}
		if m.Name == wanted && wanted != "" { // some have no name
			found = m
			named++
		}
	}
	switch named {
	case 0:
		return found, fmt.Errorf("%w%s has the fingerprint or name %q", ErrNoReviewer, of, wanted)
	case 1:
		return found, nil
	}
	return found, fmt.Errorf("%w: several reviewers%s have the name %q: give the fingerprint", ErrRefused, of, wanted)
}
