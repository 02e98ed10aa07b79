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
	// Announced is how many submissions the parcel says follow in others.
	Announced int
}

func (h Holdings) here(id string) bool { return h.Here != nil && h.Here(id) }

func (h Holdings) acknowledged(id string) (string, bool) {
	if h.Acknowledged == nil {
		return "", false
	}
	return h.Acknowledged(id)
}

// Missing says what is wrong with all that the log ever accepted for a reviewer:
// what is neither here nor deleted, and what was deleted as nobody may, here or
// not. Only when more is missing than the parcel announces it calls that dropped;
// else awaited.
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
	return findings, nil
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

// explain finds the harmless reasons why submissions are not here.
func (b *Book) explain(h Holdings, findings []Finding, absent []int) {
	member := map[string]bool{} // by channel: is the reviewer still one
	var unexplained []int
	for _, i := range absent {
		channel := findings[i].Channel
		still, known := member[channel]
		if !known {
			still = b.isMemberNow(channel, h.Fingerprint)
			member[channel] = still
		}
		if !still {
			findings[i].Kind = Withheld
			continue
		}
		unexplained = append(unexplained, i)
	}
	if len(unexplained) > h.Announced {
		return
	}
	for _, i := range unexplained {
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
