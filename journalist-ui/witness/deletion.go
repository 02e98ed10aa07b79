package witness

import (
	"sourdine/vault/translog"
)

// whyDeleted says what is wrong with the deletion of a submission, as far as the
// log, the rosters and the orders tell it.
func (q *inquiry) whyDeleted(s translog.Submission, d translog.Deletion) []Finding {
	if d.Channel != s.Channel {
		return []Finding{{Kind: DeletionChannel, Channel: s.Channel}}
	}
	if d.Day < s.Day {
		return []Finding{{Kind: DeletionBackdated, Day: d.Day}}
	}
	switch d.Reason {
	case translog.ByOrder:
		return q.whyOrdered(d)
	case translog.ByRetention:
		return q.book.whyRetained(max(s.Day, q.book.index.rosterDay(d.Channel, min(d.Day, lastDue()))), d)
	}
	return q.book.whyLimited(s.Day, d)
}

func (q *inquiry) whyOrdered(d translog.Deletion) []Finding {
	kind, cause := q.order(d)
	if kind == "" {
		return nil
	}
	f := Finding{Kind: kind, Channel: d.Channel, Day: d.Day, Fingerprint: d.By, Name: q.book.nameOf(d.Channel, d.By), Sum: d.Order}
	if cause != nil {
		f.Cause = cause.Error()
	}
	return []Finding{f}
}

// whyRetained compares with the policy that wanted the least, of those that may
// have been in force. Days that have not come do not count.
func (b *Book) whyRetained(since string, d translog.Deletion) []Finding {
	day := min(d.Day, lastDue())
	want, ok := shortest(b.index.policiesOn(d.Channel, day))
	if !ok {
		return []Finding{{Kind: RetentionNone, Channel: d.Channel, Day: d.Day}}
	}
	if passed := daysBetween(since, day); passed < want {
		return []Finding{{Kind: RetentionEarly, Channel: d.Channel, Day: d.Day, Known: int64(want), Given: int64(passed)}}
	}
	return nil
}

// whyLimited is content when one of the limits that may have been in force had
// passed, since the submission came and since the channel had this limit: whoever
// sent something before was not told of it. The day on which a limit is up is the
// last one to keep, and not the first to delete.
func (b *Book) whyLimited(since string, d translog.Deletion) []Finding {
	day := min(d.Day, lastDue())
	finding := Finding{Kind: LimitNone, Channel: d.Channel, Day: d.Day}
	for _, p := range b.index.policiesOn(d.Channel, day) {
		if p.Limit == 0 {
			continue
		}
		passed := daysBetween(max(since, b.index.limitSince(p, day)), day)
		if passed > p.Limit {
			return nil
		}
		if finding.Kind == LimitNone || int64(passed-p.Limit) > finding.Given-finding.Known {
			finding.Kind, finding.Known, finding.Given = LimitEarly, int64(p.Limit), int64(passed)
		}
	}
	return []Finding{finding}
}

// whyUnread asks of a deletion by retention that this reviewer acknowledged the
// submission, and that the time passed since.
func (b *Book) whyUnread(h Holdings, s translog.Submission, d translog.Deletion) []Finding {
	if d.Reason != translog.ByRetention || !b.mustAcknowledge(h.Fingerprint, s, min(d.Day, lastDue())) {
		return nil
	}
	day, ok := h.acknowledged(s.ID)
	if !ok {
		return []Finding{{Kind: RetentionUnacknowledged, Channel: d.Channel, Day: d.Day}}
	}
	if day <= s.Day {
		return nil // whyDeleted counted from there
	}
	return b.whyRetained(day, d)
}

// mustAcknowledge is true when no roster that the envelope can have been sealed
// to by that day leaves the reviewer out.
func (b *Book) mustAcknowledge(fingerprint string, s translog.Submission, day string) bool {
	for _, r := range b.index.rosters[s.Channel] {
		if r.epoch < s.Epoch || r.day > day {
			continue
		}
		leaf, err := b.rosterLeaf(r.number)
		if err == nil && !isMember(leaf, fingerprint) {
			return false
		}
	}
	return true
}

// nameOf is the last name that a channel's rosters had for a reviewer.
func (b *Book) nameOf(channel, fingerprint string) string {
	list := b.index.rosters[channel]
	for i := len(list) - 1; i >= 0; i-- {
		leaf, err := b.rosterLeaf(list[i].number)
		if err != nil {
			continue
		}
		for _, m := range leaf.Members {
			if m.Fingerprint == fingerprint {
				return m.Name
			}
		}
	}
	return ""
}
