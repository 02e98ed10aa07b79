package witness

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sourdine/vault/translog"
)

const (
	acceptedName = "accepted.txt"
	maxAccepted  = 1 << 20 // bytes; a person typed twelve words for each line
)

// anyAccepted is a generation, and the SHA-256 of the leaf that was accepted in it.
var anyAccepted = regexp.MustCompile(`^([0-9]{1,9}) ([0-9a-f]{64})\n$`)

// A Restoration is what a log says that contradicts the book: that the vault went
// on from a backup. Whether it did, only a person can find out from the admin.
type Restoration struct {
	Text     string `json:"text"`     // the leaf, by whose words the admin knows it
	Sum      string `json:"sum"`      // SHA-256 of the leaf, lower-case hexadecimal
	Day      string `json:"day"`      // UTC, by the vault's clock
	Leaf     int64  `json:"leaf"`     // the first leaf here that the restored log has otherwise
	Known    int64  `json:"known"`    // leaves here
	Given    int64  `json:"given"`    // leaves that the restored log had when it was seen last
	Accepted bool   `json:"accepted"` // the next parcel of that log is taken in
	Gone     Gone   `json:"gone"`
}

// Gone are the leaves of this book that a restored log does not have where they
// were. It may have some of them again, further on.
type Gone struct {
	Leaves      int64      `json:"leaves"`
	Submissions []Accepted `json:"submissions"`
	Deletions   int        `json:"deletions"`
	Changes     int        `json:"changes"` // of rosters and policies
}

// An Accepted submission is one that the vault had accepted.
type Accepted struct {
	ID      string `json:"id"`
	Channel string `json:"channel"`
	Day     string `json:"day"`
}

// LastRestored is the log's last leaf that says that the vault was restored, by its
// SHA-256; not ok when none does. What parcels told and nobody accepted is not the
// log's.
func (b *Book) LastRestored() (sum string, ok bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	last := int64(-1)
	for s, number := range b.index.restored {
		if number > last {
			sum, last = s, number
		}
	}
	return sum, last >= 0
}

// ErrNoRestoration: nothing that says so is waiting to be accepted.
var ErrNoRestoration = errors.New("no restoration of the server is waiting to be accepted")

// Restorations lists those that parcels told of and whose log the book has not
// taken in. They go when it does, or when the book has gone on from another.
func (b *Book) Restorations() ([]Restoration, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.restorations()
}

func (b *Book) restorations() ([]Restoration, error) {
	waiting, err := b.waiting()
	if err != nil {
		return nil, err
	}
	accepted, err := b.accepted()
	if err != nil {
		return nil, err
	}
	var all []Restoration
	for _, e := range waiting {
		at := slices.IndexFunc(all, func(r Restoration) bool { return r.Sum == e.sum() })
		if at >= 0 {
			all[at].Given = max(all[at].Given, e.theirs.Size)
			continue
		}
		gone, err := b.gone(e.Differs)
		if err != nil {
			return nil, err
		}
		all = append(all, Restoration{Text: e.Contradiction.Restored, Sum: e.sum(), Day: e.restored.Day, Leaf: e.Differs, Known: b.head.Size,
			Given: e.theirs.Size, Accepted: accepted[e.sum()], Gone: gone})
	}
	slices.SortFunc(all, func(x, y Restoration) int { return strings.Compare(x.Day+x.Sum, y.Day+y.Sum) })
	return all, nil
}

// gone tells what the leaves from a number on are.
func (b *Book) gone(from int64) (Gone, error) {
	g := Gone{Leaves: b.head.Size - from}
	err := b.leaves(from, func(_ int64, line []byte) error {
		_, isSubmission, ok := subject(line)
		switch {
		case !ok:
			g.Changes++
			return nil
		case !isSubmission:
			g.Deletions++
			return nil
		}
		leaf, err := translog.Decode(line)
		if err != nil {
			return err
		}
		s := leaf.(translog.Submission)
		g.Submissions = append(g.Submissions, Accepted{s.ID, s.Channel, s.Day})
		return nil
	})
	return g, err
}

// AcceptRestored remembers, durably, that a person knows of a restoration from
// the admin: the next parcel that brings its log is taken in, and a new generation
// of the book begins with it. For a sum that is not among [Book.Restorations]
// the error is [ErrNoRestoration]; accepted again, nothing changes.
func (b *Book) AcceptRestored(sum string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.visit != nil {
		return ErrBusy
	}
	if err := b.refresh(); err != nil {
		return err
	}
	waiting, err := b.waiting()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(waiting, func(e evidence) bool { return e.sum() == sum }) {
		return ErrNoRestoration
	}
	accepted, err := b.accepted()
	if err != nil || accepted[sum] {
		return err
	}
	raw, err := b.readAccepted()
	if err != nil {
		return err
	}
	return replace(b.fs, acceptedName, fmt.Appendf(raw, "%d %s\n", b.head.Generation, sum))
}

// accepted are the restorations (SHA-256 of the leaf) that a person accepted for this
// generation. What was accepted before another one began has lapsed: the vault
// may have been restored again since.
func (b *Book) accepted() (map[string]bool, error) {
	raw, err := b.readAccepted()
	if err != nil {
		return nil, err
	}
	accepted := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		parts := anyAccepted.FindStringSubmatch(line)
		if parts == nil {
			return nil, fmt.Errorf("%w: %s", ErrDamaged, acceptedName)
		}
		if parts[1] == strconv.Itoa(b.head.Generation) {
			accepted[parts[2]] = true
		}
	}
	return accepted, nil
}

func (b *Book) readAccepted() ([]byte, error) {
	raw, err := read(b.fs, acceptedName, maxAccepted)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("failed to read which restorations were accepted: %w", err)
	}
	return raw, nil
}
