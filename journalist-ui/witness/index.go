package witness

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"sourdine/vault/translog"
)

// The beginnings of leaves. A leaf has one spelling, so those that were decoded
// once can be told apart, and their ids found, without decoding them again: that
// would take a second for 100,000.
const (
	submissionStart = `{"v":1,"kind":"submission","id":"`
	deletionStart   = `{"v":1,"kind":"deletion","id":"`
	restoredStart   = `{"v":1,"kind":"restored",`
	recipientsStart = `,"recipients":[` // no channel's name can hold it: its quotes would be escaped
	payloadsStart   = `,"payloads":["`
	dayStart        = `,"day":"`
	orderStart      = `,"order":"`

	idSize  = 26
	daySize = len("2006-01-02")
	sumSize = 64
)

type submissionID [idSize]byte

// An index finds leaves among those from base on. Numbers are those of the log.
type index struct {
	base        int64
	start       int64   // byte offset of the first
	ends        []int64 // byte offset after each, with its line break
	submissions map[submissionID]int64
	deletions   map[submissionID]int64
	twice       []int64 // submissions and deletions that are there already
	orders      map[string]bool
	rosters     map[string][]rosterLeaf // by channel, ascending epochs
	rosterSums  map[string]bool
	policies    map[string][]policyLeaf // by channel, ascending days
	restored    map[string]int64        // by the SHA-256 of the leaf
	lastDay     string
}

type rosterLeaf struct {
	number int64
	epoch  uint64
	day    string
	sum    string
}

type policyLeaf struct {
	number int64
	translog.Policy
}

func newIndex(base, start int64) *index {
	return &index{
		base: base, start: start,
		submissions: map[submissionID]int64{}, deletions: map[submissionID]int64{},
		orders: map[string]bool{}, rosters: map[string][]rosterLeaf{}, rosterSums: map[string]bool{},
		policies: map[string][]policyLeaf{}, restored: map[string]int64{},
	}
}

// size is how many leaves there are, with those before base.
func (x *index) size() int64 { return x.base + int64(len(x.ends)) }

// bytes is where the next leaf begins.
func (x *index) bytes() int64 {
	if len(x.ends) == 0 {
		return x.start
	}
	return x.ends[len(x.ends)-1]
}

// span is where a leaf lies, without its line break.
func (x *index) span(number int64) (from, to int64) {
	n := number - x.base
	from, to = x.start, x.ends[n]-1
	if n > 0 {
		from = x.ends[n-1]
	}
	return from, to
}

// add takes a leaf that was decoded before, and is false for what cannot have
// been.
func (x *index) add(line []byte) bool {
	number := x.size()
	id, isSubmission, ok := subject(line)
	switch {
	case ok && isSubmission:
		x.once(x.submissions, id, number)
	case ok:
		x.once(x.deletions, id, number)
		if order := field(line, orderStart, sumSize); order != "" {
			x.orders[order] = true
		}
	default:
		leaf, err := translog.Decode(line)
		if err != nil {
			return false
		}
		x.addChange(number, line, leaf)
	}
	if day := field(line, dayStart, daySize); day > x.lastDay {
		x.lastDay = day
	}
	x.ends = append(x.ends, x.bytes()+int64(len(line))+1)
	return true
}

func (x *index) once(known map[submissionID]int64, id submissionID, number int64) {
	if _, twice := known[id]; twice {
		x.twice = append(x.twice, number)
		return
	}
	known[id] = number
}

func (x *index) addChange(number int64, line []byte, leaf translog.Leaf) {
	switch l := leaf.(type) {
	case translog.Roster:
		x.rosterSums[l.SHA256] = true
		x.rosters[l.Channel] = insert(x.rosters[l.Channel], rosterLeaf{number, l.Epoch, l.Day, l.SHA256}, compareRosters)
	case translog.Policy:
		x.policies[l.Channel] = insert(x.policies[l.Channel], policyLeaf{number, l}, comparePolicies)
	case translog.Restored:
		x.restored[sumOf(line)] = number
	}
}

// insert keeps a list in order; what belongs to its end costs nothing.
func insert[E any](list []E, e E, compare func(E, E) int) []E {
	at, _ := slices.BinarySearchFunc(list, e, compare)
	return slices.Insert(list, at, e)
}

func compareRosters(a, b rosterLeaf) int {
	return cmp.Or(cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.number, b.number))
}

func comparePolicies(a, b policyLeaf) int {
	return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.number, b.number))
}

// merge takes the leaves that follow.
func (x *index) merge(next *index) {
	if x.size() == 0 {
		*x = *next
		return
	}
	x.ends = append(x.ends, next.ends...)
	mergeOnce(x.submissions, next.submissions, &x.twice)
	mergeOnce(x.deletions, next.deletions, &x.twice)
	x.twice = append(x.twice, next.twice...)
	slices.Sort(x.twice)
	maps.Copy(x.orders, next.orders)
	maps.Copy(x.rosterSums, next.rosterSums)
	maps.Copy(x.restored, next.restored)
	for channel, list := range next.rosters {
		x.rosters[channel] = append(x.rosters[channel], list...)
		slices.SortFunc(x.rosters[channel], compareRosters)
	}
	for channel, list := range next.policies {
		x.policies[channel] = append(x.policies[channel], list...)
		slices.SortFunc(x.policies[channel], comparePolicies)
	}
	x.lastDay = max(x.lastDay, next.lastDay)
}

func mergeOnce(known, next map[submissionID]int64, twice *[]int64) {
	for id, number := range next {
		if _, ok := known[id]; ok {
			*twice = append(*twice, number)
		} else {
			known[id] = number
		}
	}
}

// roster finds the first leaf of a channel's roster at an epoch.
func (x *index) roster(channel string, epoch uint64) (rosterLeaf, bool) {
	list := x.rosters[channel]
	at, ok := slices.BinarySearchFunc(list, epoch, func(r rosterLeaf, e uint64) int { return cmp.Compare(r.epoch, e) })
	if !ok {
		return rosterLeaf{}, false
	}
	return list[at], true
}

// subject reads which submission a leaf is of; not ok for other kinds.
func subject(line []byte) (id submissionID, isSubmission, ok bool) {
	for _, start := range []string{submissionStart, deletionStart} {
		if bytes.HasPrefix(line, []byte(start)) && len(line) >= len(start)+idSize {
			return submissionID(line[len(start) : len(start)+idSize]), start == submissionStart, true
		}
	}
	return id, false, false
}

// field returns the value of a text that has size bytes, or "".
func field(line []byte, start string, size int) string {
	at := bytes.Index(line, []byte(start))
	if at < 0 || len(line) < at+len(start)+size {
		return ""
	}
	value := line[at+len(start) : at+len(start)+size]
	if bytes.IndexByte(value, '"') >= 0 {
		return ""
	}
	return string(value)
}

// addressed is true of a submission's leaf that has this recipient.
func addressed(line []byte, recipient string) bool {
	_, list, _ := bytes.Cut(line, []byte(recipientsStart))
	list, _, _ = bytes.Cut(list, []byte("]"))
	return bytes.Contains(list, []byte(recipient))
}
