package witness

import (
	"sourdine/vault/translog"
)

// Holdings is what the desk knows of itself. A function that is nil answers no.
type Holdings struct {
	// Fingerprint of the reviewer's certificate, upper-case hexadecimal.
	Fingerprint string
	// Here tells whether a submission is at the desk, doubtful or not.
	Here func(id string) bool
	// Acknowledged tells whether the desk acknowledged a submission, and on which
	// day (UTC) by its own clock; "" when it does not know.
	Acknowledged func(id string) (day string, ok bool)
	// Part is what the last parcel for this reviewer was; nil: everything should be
	// here.
	Part *Part
	// Dropped tells what was called dropped before. It stays that until it comes,
	// whatever the server announces.
	Dropped func(id string) bool
}

func (h Holdings) here(id string) bool { return h.Here != nil && h.Here(id) }

func (h Holdings) wasDropped(id string) bool { return h.Dropped != nil && h.Dropped(id) }

func (h Holdings) acknowledged(id string) (string, bool) {
	if h.Acknowledged == nil {
		return "", false
	}
	return h.Acknowledged(id)
}

// Missing says what is wrong with all that the log ever accepted for a reviewer:
// what is neither here nor deleted, and what was deleted as nobody may, here or
// not. What is not here it calls dropped, unless it belongs to another part of the
// parcels, or entered the log since the last one: then it is awaited, or that part
// was skipped. When more is missing than the last part says follow, all of that is
// dropped. What only the log from before the vault was restored has, it calls lost.
func (b *Book) Missing(h Holdings) ([]Finding, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.missing(h)
}

func (b *Book) missing(h Holdings) ([]Finding, error) {
	var findings []Finding
	var absent []int // in findings
	recipient, inquiry := translog.RecipientHash(h.Fingerprint), b.inquire()
	err := b.leaves(0, func(number int64, line []byte) error {
		id, isSubmission, ok := subject(line)
		if !ok || !isSubmission || !addressed(line, recipient) || b.index.submissions[id] != number {
			return nil
		}
		at, deleted := b.index.deletions[id]
		if !deleted && h.here(string(id[:])) {
			return nil
		}
		s, err := leafAt[translog.Submission](b, number)
		if err != nil {
			return err
		}
		if !deleted {
			absent = append(absent, len(findings))
			findings = append(findings, Finding{Kind: Dropped, ID: s.ID, Leaf: number, Channel: s.Channel, Day: s.Day})
			return nil
		}
		more, err := inquiry.checkDeletion(h, s, at)
		findings = append(findings, more...)
		return err
	})
	if err != nil {
		return nil, err
	}
	b.explain(h, findings, absent)
	lost, err := b.lost(h)
	return append(findings, lost...), err
}

// checkDeletion judges the deletion of a submission that is addressed to the
// reviewer.
func (q *inquiry) checkDeletion(h Holdings, s translog.Submission, number int64) ([]Finding, error) {
	d, err := leafAt[translog.Deletion](q.book, number)
	if err != nil {
		return nil, err
	}
	findings := q.whyDeleted(s, d)
	if len(findings) == 0 {
		findings = q.book.whyUnread(h, s, d)
	}
	return of(s.ID, number, findings), nil
}

func of(id string, number int64, findings []Finding) []Finding {
	for i := range findings {
		findings[i].ID, findings[i].Leaf = id, number
	}
	return findings
}

// explain finds the reasons why submissions are not here, other than that they
// were dropped.
func (b *Book) explain(h Holdings, findings []Finding, absent []int) {
	member := map[string]bool{} // by channel: is the reviewer still one
	var announced []int
	for _, i := range absent {
		f := &findings[i]
		if h.wasDropped(f.ID) {
			continue
		}
		still, known := member[f.Channel]
		if !known {
			still = b.isMemberNow(f.Channel, h.Fingerprint)
			member[f.Channel] = still
		}
		if !still {
			f.Kind = Withheld
			continue
		}
		switch h.Part.place(f.ID, f.Leaf) {
		case beforePart:
			f.Kind = PartSkipped
		case laterThan:
			f.Kind = Awaited
		case behindPart:
			announced = append(announced, i)
		}
	}
	if h.Part != nil && len(announced) > h.Part.Left {
		return
	}
	for _, i := range announced {
		findings[i].Kind = Awaited
	}
}

// isMemberNow is true when nothing says otherwise.
func (b *Book) isMemberNow(channel, fingerprint string) bool {
	list := b.index.rosters[channel]
	if len(list) == 0 {
		return true
	}
	leaf, err := b.rosterLeaf(list[len(list)-1].number)
	return err != nil || isMember(leaf, fingerprint)
}
