package witness

import (
	"slices"

	"sourdine/vault/translog"
)

// past calls do for each generation before this one, the last first, with the
// first leaf that the generation after it has otherwise.
func (b *Book) past(do func(old *Book, from int64) error) error {
	for ; b.before != nil; b = b.before {
		if err := do(b.before, b.head.Common); err != nil {
			return err
		}
	}
	return nil
}

// lost finds what the vault accepted for a reviewer before it was restored, which
// is neither here nor in its log any more. What was deleted is not lost.
func (b *Book) lost(h Holdings) ([]Finding, error) {
	var findings []Finding
	told := map[submissionID]bool{}
	recipient := translog.RecipientHash(h.Fingerprint)
	err := b.past(func(old *Book, from int64) error {
		return old.leaves(from, func(number int64, line []byte) error {
			id, isSubmission, ok := subject(line)
			if !ok || !isSubmission || told[id] || !addressed(line, recipient) || h.here(string(id[:])) {
				return nil
			}
			_, again := b.index.submissions[id]
			if _, deleted := old.index.deletions[id]; again || deleted {
				return nil
			}
			s, err := leafAt[translog.Submission](old, number)
			if err != nil {
				return err
			}
			told[id] = true
			findings = append(findings, Finding{Kind: LostInRestore, ID: s.ID, Leaf: number, Channel: s.Channel, Day: s.Day})
			return nil
		})
	})
	return findings, err
}

// auditPast looks at what is gone from the log as at the rest of it: that the
// vault lost it excuses nothing.
func (b *Book) auditPast(h Holdings) ([]Finding, error) {
	var findings []Finding
	err := b.past(func(old *Book, from int64) error {
		found, err := old.examine(from)
		if err != nil {
			return err
		}
		deleted, err := old.deletionsFrom(from, translog.RecipientHash(h.Fingerprint))
		findings = append(findings, slices.Concat(found, deleted)...)
		return err
	})
	return findings, err
}

// deletionsFrom judges the deletions from a leaf on. That an order is not here
// matters only for what is addressed to the recipient.
func (b *Book) deletionsFrom(from int64, recipient string) ([]Finding, error) {
	var findings []Finding
	inquiry := b.inquire()
	err := b.leaves(from, func(number int64, line []byte) error {
		id, isSubmission, ok := subject(line)
		at, known := b.index.submissions[id]
		if !ok || isSubmission || !known || b.index.deletions[id] != number {
			return nil
		}
		s, err := leafAt[translog.Submission](b, at)
		if err != nil {
			return err
		}
		d, err := leafAt[translog.Deletion](b, number)
		if err != nil {
			return err
		}
		for _, f := range of(s.ID, at, inquiry.whyDeleted(s, d)) {
			if f.Kind != OrderMissing || slices.Contains(s.Recipients, recipient) {
				findings = append(findings, f)
			}
		}
		return nil
	})
	return findings, err
}

// restoredEvents tell that the vault was restored, and which submissions are back
// that had been deleted.
func (b *Book) restoredEvents(r translog.Restored, number int64) ([]Event, error) {
	e := Event{Kind: ServerRestored, Leaf: number, Day: r.Day}
	born := b.bornIn(number)
	if born.before == nil || born.head.Restored != number {
		return []Event{e}, nil // this desk saw nothing of what is gone
	}
	e.Gone = born.before.head.Size - born.head.Common
	back, err := b.back(born, r)
	e.Back = len(back)
	for i := range back {
		back[i].Leaf = number
	}
	return append([]Event{e}, back...), err
}

// back tells of what was deleted in the leaves that a generation lost, and is not
// deleted in the log as it is.
func (b *Book) back(born *Book, r translog.Restored) ([]Event, error) {
	var events []Event
	names := map[reviewer]string{}
	old := born.before
	err := old.leaves(born.head.Common, func(number int64, line []byte) error {
		id, isSubmission, ok := subject(line)
		if !ok || isSubmission || old.index.deletions[id] != number {
			return nil
		}
		_, here := b.index.submissions[id]
		if _, deleted := b.index.deletions[id]; !here || deleted {
			return nil
		}
		d, err := leafAt[translog.Deletion](old, number)
		if err != nil {
			return err
		}
		e := old.deletionEvent(d, number, names)
		e.Kind, e.Day = SubmissionBack, r.Day
		events = append(events, e)
		return nil
	})
	return events, err
}
