package desk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sourdine/journalist-ui/witness"
	"sourdine/vault/seal"
)

// Errors that callers branch on.
var (
	// ErrNotReader: this reviewer is not on the channel's roster any more.
	ErrNotReader = errors.New("you are not among the reviewers of this channel any more")
	// ErrRosterChanged: somebody joined or left since a person looked.
	ErrRosterChanged = errors.New("the channel's reviewers have changed meanwhile: look again")
)

// A Renewal is what new envelopes for a channel's old submissions would change:
// who could read them then. [Desk.Renew] makes them.
type Renewal struct {
	Channel string
	// Readers are the reviewers of now, who will be able to read, and LeftOut those
	// among them whose certificate has expired.
	Readers []Reader
	LeftOut []Reader
	// IDs are the submissions here that are sealed to an earlier roster.
	IDs []string
	// Doubtful is how many of those are in doubt, and stay as they are.
	Doubtful int
	// Problem is why nothing can be sealed to this roster: a [*witness.Refused],
	// [ErrNotReader], or what is wrong with a certificate.
	Problem error

	roster witness.Roster
	sealTo seal.Roster
}

// A Reader is a reviewer on a roster.
type Reader struct {
	Name        string
	Fingerprint string
	Since       string // the day (UTC) since which they are on it
	// OldForm: their programs may not open what was sealed before they joined:
	// their certificate knows only the older form of encryption.
	OldForm bool
}

// Renewals tells for which channels there are submissions here that were sealed
// to an earlier roster than the log's latest: for one channel, or for all when it
// is "". Before the first import the error is [ErrNoVault].
func (d *Desk) Renewals(ctx context.Context, channel string) (all []Renewal, err error) {
	err = d.withLog(func(book *witness.Book) error {
		if _, known := book.Epoch(channel); channel != "" && !known {
			return ErrNoRoster
		}
		all, err = d.renewals(ctx, book, channel)
		return err
	})
	return all, err
}

func (d *Desk) renewals(ctx context.Context, book *witness.Book, channel string) ([]Renewal, error) {
	findings, err := d.Findings()
	if err != nil {
		return nil, err
	}
	made, err := d.renewed(book)
	if err != nil {
		return nil, err
	}
	byChannel := map[string]*Renewal{}
	for s, err := range d.book.Submissions(ctx, "") {
		if err != nil {
			return nil, err
		}
		at, old := d.isOutdated(book, s.ID)
		if !old || made[s.ID] || channel != "" && at != channel {
			continue
		}
		r := byChannel[at]
		if r == nil {
			r = &Renewal{Channel: at}
			byChannel[at] = r
		}
		if s.Doubtful != "" || findings.Doubts(s.ID) {
			r.Doubtful++
		} else {
			r.IDs = append(r.IDs, s.ID)
		}
	}
	return d.withReaders(book, byChannel), nil
}

// isOutdated reports whether a submission that is here, and not deleted, is sealed
// to an earlier roster than the latest of its channel.
func (d *Desk) isOutdated(book *witness.Book, id string) (channel string, outdated bool) {
	leaf, _, known := book.Submission(id)
	if _, _, deleted := book.Deletion(id); !known || deleted {
		return "", false
	}
	e, err := d.store().entry(id)
	epoch, ok := book.Epoch(leaf.Channel)
	return leaf.Channel, err == nil && ok && e.Epoch < epoch
}

// renewed has the submissions that need no new envelope: one for the latest roster
// waits here, is on its way or has been applied; or they are to be deleted.
func (d *Desk) renewed(book *witness.Book) (map[string]bool, error) {
	h, err := d.history()
	if err != nil {
		return nil, err
	}
	queued, err := d.queuedEnvelopes()
	if err != nil {
		return nil, err
	}
	doomed, err := d.queuedDeletions()
	if err != nil {
		return nil, err
	}
	made := map[string]bool{}
	for id := range doomed {
		made[id] = true
	}
	for _, q := range h.sortEnvelopes(book, queued).fit {
		made[q.id] = true
	}
	for id, epoch := range h.envelopes {
		leaf, _, _ := book.Submission(id)
		if latest, ok := book.Epoch(leaf.Channel); ok && epoch >= latest {
			made[id] = true
		}
	}
	return made, nil
}

func (d *Desk) withReaders(book *witness.Book, byChannel map[string]*Renewal) []Renewal {
	var all []Renewal
	for _, r := range byChannel {
		slices.Sort(r.IDs)
		r.roster, r.Problem = book.Certificates(r.Channel)
		if r.Problem == nil {
			r.Problem = r.chooseReaders(d.Fingerprint(), time.Now())
		}
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Renewal) int { return strings.Compare(a.Channel, b.Channel) })
	return all
}

func (r *Renewal) chooseReaders(self string, now time.Time) error {
	if !r.roster.Has(self) {
		return ErrNotReader
	}
	var err error
	if r.sealTo, err = sealable(r.roster, now); err != nil {
		return err
	}
	for _, m := range r.roster.Members {
		reader := Reader{Name: m.Name, Fingerprint: m.Fingerprint, Since: m.Since}
		i := slices.IndexFunc(r.sealTo, func(c *seal.Certificate) bool { return c.Fingerprint() == m.Fingerprint })
		if i < 0 {
			r.LeftOut = append(r.LeftOut, reader)
			continue
		}
		losses, err := r.sealTo[i : i+1].Losses(now)
		if err != nil {
			return err
		}
		reader.OldForm = slices.Contains(losses, seal.LossPadding)
		r.Readers = append(r.Readers, reader)
	}
	if slices.ContainsFunc(r.LeftOut, func(left Reader) bool { return left.Fingerprint == self }) {
		return errors.New("your own certificate has expired")
	}
	return nil
}
