package witness

import (
	"cmp"
	"slices"

	"sourdine/vault/translog"
)

// An EventKind is what an [Event] tells, as a stable word for programs.
type EventKind string

// What can happen, with the data that each has beside Leaf, Channel and Day.
const (
	ChannelMade       EventKind = "channel-made"
	ReviewerAdded     EventKind = "reviewer-added"     // Epoch, Name, Fingerprint
	ReviewerRemoved   EventKind = "reviewer-removed"   // Epoch, Name, Fingerprint
	ReviewerRenamed   EventKind = "reviewer-renamed"   // Epoch, Name: the new one; Fingerprint
	PolicyChanged     EventKind = "policy-changed"     // Retention, Limit
	SubmissionDeleted EventKind = "submission-deleted" // ID, Reason; Name, Fingerprint and Order when by order
	ServerRestored    EventKind = "server-restored"    // Gone, Back; no Channel
	SubmissionBack    EventKind = "submission-back"    // as for SubmissionDeleted, which the restoration undid; Day of the restoration
)

// An Event is what every reviewer should see of the log. It says what the vault
// wrote, not that it was right: findings do.
type Event struct {
	Kind        EventKind `json:"kind"`
	Leaf        int64     `json:"leaf"` // index in the log, from 0
	Channel     string    `json:"channel"`
	Day         string    `json:"day"` // UTC, by the vault's clock
	Epoch       uint64    `json:"epoch,omitempty"`
	Name        string    `json:"name,omitempty"` // as the roster has it, else ""
	Fingerprint string    `json:"fingerprint,omitempty"`
	ID          string    `json:"id,omitempty"`
	Reason      string    `json:"reason,omitempty"` // as in [translog.Deletion]
	Order       string    `json:"order,omitempty"`  // SHA-256
	Retention   int       `json:"retention,omitempty"`
	Limit       int       `json:"limit,omitempty"`
	Gone        int64     `json:"gone,omitempty"`       // leaves that this desk had seen
	Back        int       `json:"back,omitempty"`       // submissions that had been deleted, as this desk had seen
	More        int       `json:"more,omitempty"`       // how many of that kind the leaf has beside those told; no Name, no Fingerprint
	Generation  int       `json:"generation,omitempty"` // of the book, which the leaf came with
}

// Events tells what happened from a leaf on, by day: a desk that keeps how many
// leaves it has told of misses nothing, and tells nothing twice.
func (b *Book) Events(from int64) ([]Event, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.events(from)
}

func (b *Book) events(from int64) ([]Event, error) {
	var events []Event
	names := map[reviewer]string{}
	err := b.leaves(max(from, 0), func(number int64, line []byte) error {
		if _, isSubmission, _ := subject(line); isSubmission {
			return nil
		}
		leaf, err := translog.Decode(line)
		if err != nil {
			return err
		}
		switch l := leaf.(type) {
		case translog.Roster:
			events = append(events, b.rosterEvents(l, number)...)
		case translog.Policy:
			events = append(events, Event{Kind: PolicyChanged, Leaf: number, Channel: l.Channel, Day: l.Day,
				Retention: l.Retention, Limit: l.Limit})
		case translog.Deletion:
			events = append(events, b.deletionEvent(l, number, names))
		case translog.Restored:
			more, err := b.restoredEvents(l, number)
			events = append(events, more...)
			return err
		}
		return nil
	})
	for i, e := range events {
		events[i].Generation = b.bornIn(e.Leaf).head.Generation
	}
	slices.SortStableFunc(events, compareEvents)
	return events, err
}

func compareEvents(a, b Event) int {
	return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Leaf, b.Leaf))
}

// maxPerLeaf is how many events of one kind a roster's leaf gives: it may have a
// thousand members, and a person is to read them.
const maxPerLeaf = 100

// rosterEvents compares a roster with the one before it.
func (b *Book) rosterEvents(l translog.Roster, number int64) []Event {
	var events []Event
	told := map[EventKind]int{}
	tell := func(kind EventKind, m translog.Member) {
		if told[kind]++; told[kind] <= maxPerLeaf {
			events = append(events, Event{Kind: kind, Leaf: number, Channel: l.Channel, Day: l.Day, Epoch: l.Epoch, Name: m.Name, Fingerprint: m.Fingerprint})
		}
	}
	var before translog.Roster
	if l.Epoch == 0 {
		events = append(events, Event{Kind: ChannelMade, Leaf: number, Channel: l.Channel, Day: l.Day})
	} else {
		before, _ = b.rosterAt(l.Channel, l.Epoch-1)
	}
	was, is := namesIn(before), namesIn(l)
	for _, m := range before.Members {
		if _, stays := is[m.Fingerprint]; !stays {
			tell(ReviewerRemoved, m)
		}
	}
	for _, m := range l.Members {
		if name, known := was[m.Fingerprint]; !known {
			tell(ReviewerAdded, m)
		} else if name != m.Name {
			tell(ReviewerRenamed, m)
		}
	}
	for _, kind := range []EventKind{ReviewerRemoved, ReviewerRenamed, ReviewerAdded} {
		if more := told[kind] - maxPerLeaf; more > 0 {
			events = append(events, Event{Kind: kind, Leaf: number, Channel: l.Channel, Day: l.Day, Epoch: l.Epoch, More: more})
		}
	}
	return events
}

// namesIn are the names of a roster's members, by fingerprint.
func namesIn(l translog.Roster) map[string]string {
	names := make(map[string]string, len(l.Members))
	for _, m := range l.Members {
		names[m.Fingerprint] = m.Name
	}
	return names
}

type reviewer struct{ channel, fingerprint string }

// deletionEvent keeps names: thousands of deletions may be by one reviewer.
func (b *Book) deletionEvent(d translog.Deletion, number int64, names map[reviewer]string) Event {
	e := Event{Kind: SubmissionDeleted, Leaf: number, Channel: d.Channel, Day: d.Day, ID: d.ID, Reason: d.Reason,
		Fingerprint: d.By, Order: d.Order}
	if d.By == "" {
		return e
	}
	who := reviewer{d.Channel, d.By}
	name, known := names[who]
	if !known {
		name = b.nameOf(d.Channel, d.By)
		names[who] = name
	}
	e.Name = name
	return e
}
