package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"sourdine/vault/seal"
	"sourdine/vault/translog"
)

// MaxRoster is the largest roster with its certificates, in bytes.
const MaxRoster = 64 << 20

// storedRoster is a roster's JSON as the vault stores it (vault/FORMAT.md), as
// far as the book needs it.
type storedRoster struct {
	Channel string         `json:"channel"`
	Epoch   uint64         `json:"epoch"`
	Members []storedMember `json:"members"`
}

type storedMember struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Certificate []byte `json:"certificate"`
}

func rosterFile(sum string) string { return rostersName + "/" + sum + ".json" }

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// openRoster returns the roster that a leaf names, or the kind of what is wrong
// with it.
func (b *Book) openRoster(leaf translog.Roster) (storedRoster, Kind) {
	raw, err := read(b.fs, rosterFile(leaf.SHA256), MaxRoster)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return storedRoster{}, RosterFileMissing
	case err != nil || sumOf(raw) != leaf.SHA256:
		return storedRoster{}, RosterFileDiffers
	}
	r, err := decodeRoster(raw)
	if err != nil || r.Channel != leaf.Channel || r.Epoch != leaf.Epoch || !slices.Equal(r.members(), leaf.Members) {
		return storedRoster{}, RosterMembersDiffer
	}
	return r, ""
}

func decodeRoster(raw []byte) (storedRoster, error) {
	var r storedRoster
	if err := json.Unmarshal(raw, &r); err != nil || len(r.Members) > translog.MaxMembers {
		return r, errors.New("not a roster")
	}
	return r, nil
}

func (r storedRoster) members() []translog.Member {
	var members []translog.Member
	for _, m := range r.Members {
		members = append(members, translog.Member{Name: m.Name, Fingerprint: m.Fingerprint})
	}
	return members
}

// A reader is a member of a roster, as envelopes name them: not at all when the
// certificate is not the member's, or cannot encrypt.
type reader struct {
	name, fingerprint string
	certificate       []byte
	seal.Holder
}

func readers(r storedRoster) []reader {
	all := make([]reader, 0, len(r.Members))
	for _, m := range r.Members {
		one := reader{name: m.Name, fingerprint: m.Fingerprint, certificate: m.Certificate}
		if h, err := seal.ReadHolder(m.Certificate); err == nil && h.Fingerprint == m.Fingerprint {
			one.Holder = h
		}
		all = append(all, one)
	}
	return all
}

// expiredBy is true when nobody could encrypt to the reader any more at the end of
// a day.
func (m reader) expiredBy(day string) bool {
	start, err := time.Parse(time.DateOnly, day)
	return err == nil && m.ExpiredBy(start.Add(24*time.Hour-time.Second))
}

// A rosterCache keeps the leaves and readers of a few rosters: most submissions
// have the same, and verifying certificates takes long.
type rosterCache struct {
	mu       sync.Mutex
	byNumber map[int64]translog.Roster
	bySum    map[string][]reader
}

const cachedRosters = 32

func newRosterCache() *rosterCache {
	return &rosterCache{byNumber: map[int64]translog.Roster{}, bySum: map[string][]reader{}}
}

// rosterLeaf returns the roster's leaf that has a number.
func (b *Book) rosterLeaf(number int64) (translog.Roster, error) {
	c := b.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.byNumber[number]; ok {
		return known, nil
	}
	leaf, err := leafAt[translog.Roster](b, number)
	if err != nil {
		return leaf, err
	}
	if len(c.byNumber) >= cachedRosters {
		clear(c.byNumber)
	}
	c.byNumber[number] = leaf
	return leaf, nil
}

// readersOf returns a roster's readers, or the kind of what is wrong. What is
// kept was read once as the log names it; [Book.Audit] reads it again.
func (b *Book) readersOf(leaf translog.Roster) ([]reader, Kind) {
	b.cache.mu.Lock()
	defer b.cache.mu.Unlock()
	if known, ok := b.cache.bySum[leaf.SHA256]; ok {
		return known, ""
	}
	r, wrong := b.openRoster(leaf)
	if wrong != "" {
		return nil, wrong
	}
	if len(b.cache.bySum) >= cachedRosters {
		clear(b.cache.bySum)
	}
	b.cache.bySum[leaf.SHA256] = readers(r)
	return b.cache.bySum[leaf.SHA256], ""
}

// rosterAt returns the leaf of a channel's roster at an epoch.
func (b *Book) rosterAt(channel string, epoch uint64) (translog.Roster, bool) {
	at, ok := b.index.roster(channel, epoch)
	if !ok {
		return translog.Roster{}, false
	}
	leaf, err := b.rosterLeaf(at.number)
	return leaf, err == nil
}

// rostersOn returns the leaves of a channel's rosters that were in force at some
// time of a day. Those of the same day are all of them: the order within a batch
// says nothing.
func (b *Book) rostersOn(channel, day string) []translog.Roster {
	var on []translog.Roster
	list := b.index.rosters[channel]
	for i, r := range list {
		replaced := i+1 < len(list) && list[i+1].day < day
		if r.day > day || replaced {
			continue
		}
		if leaf, err := b.rosterLeaf(r.number); err == nil {
			on = append(on, leaf)
		}
	}
	return on
}

func isMember(leaf translog.Roster, fingerprint string) bool {
	return slices.ContainsFunc(leaf.Members, func(m translog.Member) bool { return m.Fingerprint == fingerprint })
}
