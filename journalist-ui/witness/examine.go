package witness

import (
	"slices"

	"sourdine/vault/translog"
)

// examine says what is wrong in the log from a leaf on, although it is the one
// that the vault signed: what contradicts other leaves, and rosters' files.
func (b *Book) examine(from int64) ([]Finding, error) {
	findings := b.chains(from)
	recipients, late, early := map[rosterKey][]string{}, &latecomers{seen: b.head.Seen}, &forerunners{last: lastDue()}
	err := b.leaves(from, func(number int64, line []byte) error {
		late.look(number, line)
		early.look(number, line)
		leaf, err := translog.Decode(line)
		if err != nil {
			return err
		}
		switch l := leaf.(type) {
		case translog.Submission:
			findings = append(findings, of(l.ID, number, b.examineSubmission(l, number, recipients))...)
		case translog.Deletion:
			findings = append(findings, of(l.ID, number, b.examineDeletion(l, number))...)
		case translog.Roster:
			findings = append(findings, b.examineRoster(l)...)
		}
		return nil
	})
	return slices.Concat(findings, late.findings, early.findings), err
}

type rosterKey struct {
	channel string
	epoch   uint64
}

func (b *Book) examineSubmission(s translog.Submission, number int64, recipients map[rosterKey][]string) []Finding {
	if b.repeats(number) {
		return []Finding{{Kind: SubmissionTwice}}
	}
	at := rosterKey{s.Channel, s.Epoch}
	want, known := recipients[at]
	if !known {
		roster, ok := b.rosterAt(s.Channel, s.Epoch)
		if !ok {
			return []Finding{{Kind: RosterUnknown, Channel: s.Channel, Epoch: s.Epoch}}
		}
		want = hashes(roster)
		recipients[at] = want
	}
	if !slices.Equal(want, s.Recipients) {
		return []Finding{{Kind: RecipientsDiffer, Channel: s.Channel, Epoch: s.Epoch}}
	}
	return nil
}

func (b *Book) repeats(number int64) bool {
	_, twice := slices.BinarySearch(b.index.twice, number)
	return twice
}

func hashes(roster translog.Roster) []string {
	var all []string
	for _, m := range roster.Members {
		all = append(all, translog.RecipientHash(m.Fingerprint))
	}
	slices.Sort(all)
	return all
}

func (b *Book) examineDeletion(d translog.Deletion, number int64) []Finding {
	if b.repeats(number) {
		return []Finding{{Kind: DeletionTwice, Day: d.Day}}
	}
	if _, ok := b.index.submissions[submissionID([]byte(d.ID))]; !ok {
		return []Finding{{Kind: DeletionOfNothing, Channel: d.Channel, Day: d.Day}}
	}
	return nil
}

// examineRoster reads a roster's file.
func (b *Book) examineRoster(leaf translog.Roster) []Finding {
	r, wrong := b.openRoster(leaf)
	if wrong != "" {
		return []Finding{{Kind: wrong, Channel: leaf.Channel, Epoch: leaf.Epoch, Sum: leaf.SHA256}}
	}
	var findings []Finding
	for _, m := range readers(r) {
		if !m.CanBeNamed() {
			findings = append(findings, Finding{Kind: CertificateDiffers, Channel: leaf.Channel, Epoch: leaf.Epoch,
				Name: m.name, Fingerprint: m.fingerprint})
		}
	}
	return findings
}

// chains looks at the epochs of the channels that have a roster from a leaf on.
// A checkpoint is the end of a batch, so all epochs up to the last must be
// there: each change adds one, beginning with 0.
func (b *Book) chains(from int64) []Finding {
	var findings []Finding
	for _, channel := range b.channels() {
		list := b.index.rosters[channel]
		if !slices.ContainsFunc(list, func(r rosterLeaf) bool { return r.number >= from }) {
			continue
		}
		next := uint64(0)
		for _, r := range list {
			if r.epoch < next {
				findings = append(findings, Finding{Kind: RosterTwice, Channel: channel, Epoch: r.epoch, Leaf: r.number, Day: r.day})
				continue
			}
			if r.epoch > next {
				findings = append(findings, Finding{Kind: RosterSkipped, Channel: channel, Epoch: next, Leaf: r.number, Day: r.day})
			}
			next = r.epoch + 1
		}
	}
	return findings
}

func (b *Book) channels() []string {
	var names []string
	for name := range b.index.rosters {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// longestUpload is how many days a submission may be in the making before it
// enters the log.
const longestUpload = 1

// latecomers finds leaves of a day that was over when this desk saw the log
// before. Each batch takes all that waits, so nothing honest comes so late. A day
// that is too early would let a submission pass a limit as soon as it is there, or
// make an order count of somebody who had ceased to be a reviewer. A clock that
// was once ahead must not bury the desk: there is one finding for each day seen.
type latecomers struct {
	seen     []sighting // those that are later than the leaves that were looked at
	last     string     // the day of the one before
	findings []Finding
	open     bool // the last finding is about last
}

// look takes leaves in their order.
func (l *latecomers) look(number int64, line []byte) {
	for len(l.seen) > 0 && l.seen[0].Size <= number {
		l.last, l.seen, l.open = l.seen[0].Day, l.seen[1:], false
	}
	day := field(line, dayStart, daySize)
	if l.last == "" || day >= l.last || daysBetween(day, l.last) <= longestUpload {
		return
	}
	if !l.open {
		l.findings = append(l.findings, Finding{Kind: LeafBackdated, Leaf: number, Day: day})
		l.open = true
	}
	l.findings[len(l.findings)-1].Known++
}
