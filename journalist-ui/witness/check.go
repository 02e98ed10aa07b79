package witness

import (
	"bytes"
	"fmt"
	"slices"

	"sourdine/vault/seal"
	"sourdine/vault/translog"
)

// A Received submission is what a parcel brings of one, or what the desk keeps.
type Received struct {
	ID, Channel, Day string
	Epoch            uint64   // of the roster that the envelope is sealed to
	Payloads         []string // SHA-256 of payload 0, 1, …, lower-case hexadecimal, computed from the files
	Envelope         []byte
}

// Check compares a submission with its leaf, and the recipients that its
// envelope names with the roster at its epoch: exactly one for each member. No
// finding means that all is as the log says; only [BeforeRestore], that all is as
// it said before the vault was restored and lost it.
func (b *Book) Check(r Received) []Finding {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for g := b; g != nil; g = g.before {
		leaf, number, ok := g.submission(r.ID)
		if !ok {
			continue
		}
		findings := g.checkAgainst(r, leaf, number)
		if g != b {
			findings = append(findings, Finding{Kind: BeforeRestore, ID: r.ID, Leaf: number})
		}
		return findings
	}
	return []Finding{{Kind: NotInLog, ID: r.ID}}
}

func (b *Book) checkAgainst(r Received, leaf translog.Submission, number int64) []Finding {
	findings := compare(r, leaf)
	b.tellOthers(r, findings)
	findings = append(findings, b.checkEnvelope(r, leaf)...)
	for i := range findings {
		findings[i].ID, findings[i].Leaf = r.ID, number
	}
	return findings
}

func compare(r Received, leaf translog.Submission) []Finding {
	var findings []Finding
	if r.Channel != leaf.Channel {
		findings = append(findings, Finding{Kind: ChannelDiffers, Channel: leaf.Channel})
	}
	if r.Day != leaf.Day {
		findings = append(findings, Finding{Kind: DayDiffers, Day: leaf.Day})
	}
	// A later one is that of a new envelope.
	if r.Epoch < leaf.Epoch {
		findings = append(findings, Finding{Kind: EpochEarlier, Epoch: leaf.Epoch})
	}
	return append(findings, comparePayloads(r.Payloads, leaf.Payloads)...)
}

func comparePayloads(got, want []string) []Finding {
	if swapped(got, want) {
		return []Finding{{Kind: PayloadsSwapped}}
	}
	var findings []Finding
	for n := range max(len(got), len(want)) {
		switch {
		case n >= len(got):
			findings = append(findings, Finding{Kind: PayloadMissing, Item: n})
		case n >= len(want):
			findings = append(findings, Finding{Kind: PayloadAdded, Item: n})
		case got[n] != want[n]:
			findings = append(findings, Finding{Kind: PayloadDiffers, Item: n})
		}
	}
	return findings
}

// tellOthers tells payloads that the log has of another submission from those that
// it does not know.
func (b *Book) tellOthers(r Received, findings []Finding) {
	foreign := map[string]*Finding{} // by digest
	for i, f := range findings {
		if f.Kind == PayloadDiffers {
			foreign[r.Payloads[f.Item]] = &findings[i]
		}
	}
	if len(foreign) == 0 {
		return
	}
	// What cannot be read any more of a damaged book is for its audit to say.
	_ = b.leaves(0, func(_ int64, line []byte) error {
		if id, isSubmission, _ := subject(line); !isSubmission || string(id[:]) == r.ID {
			return nil
		}
		_, list, _ := bytes.Cut(line, []byte(payloadsStart))
		for ; len(list) >= sumSize; list = list[min(len(list), sumSize+len(`","`)):] {
			if f := foreign[string(list[:sumSize])]; f != nil {
				f.Kind = PayloadOfAnother
			}
		}
		return nil
	})
}

// swapped is true when they are the same payloads in another order.
func swapped(got, want []string) bool {
	return !slices.Equal(got, want) &&
		slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
}

func (b *Book) checkEnvelope(r Received, leaf translog.Submission) []Finding {
	roster, ok := b.rosterAt(leaf.Channel, r.Epoch)
	if !ok {
		return []Finding{{Kind: RosterUnknown, Channel: leaf.Channel, Epoch: r.Epoch}}
	}
	members, wrong := b.readersOf(roster)
	if wrong != "" {
		return []Finding{{Kind: wrong, Channel: leaf.Channel, Epoch: r.Epoch, Sum: roster.SHA256}}
	}
	recipients, err := seal.Recipients(r.Envelope)
	if err != nil {
		return []Finding{{Kind: EnvelopeUnreadable}}
	}
	// A new envelope is of any day since; an expired certificate stays so.
	sealed := leaf.Day
	if r.Epoch > leaf.Epoch {
		sealed = min(b.index.lastDay, lastDue())
	}
	return compareRecipients(recipients, members, sealed)
}

// compareRecipients finds a member for each recipient and one recipient for
// each member. sealed is the last day on which the envelope can have been made.
func compareRecipients(recipients []seal.KeyID, members []reader, sealed string) []Finding {
	var findings []Finding
	named := make([]int, len(members))
	for _, r := range recipients {
		at := slices.IndexFunc(members, func(m reader) bool { return m.Is(r) })
		switch {
		case r.ID == 0 && len(r.Fingerprint) == 0:
			findings = append(findings, Finding{Kind: RecipientHidden})
		case at < 0:
			findings = append(findings, Finding{Kind: RecipientAdded, KeyID: fmt.Sprintf("%016X", r.ID), Key: fmt.Sprintf("%X", r.Fingerprint)})
		default:
			named[at]++
		}
	}
	for i, m := range members {
		if kind := m.judge(named[i], sealed); kind != "" {
			findings = append(findings, Finding{Kind: kind, Name: m.name, Fingerprint: m.fingerprint})
		}
	}
	return findings
}

// judge says what is wrong with how often an envelope names a member.
func (m reader) judge(named int, sealed string) Kind {
	switch {
	case named > 1:
		return RecipientTwice
	case named == 1:
		return ""
	case m.expiredBy(sealed):
		return RecipientExpired
	}
	return RecipientMissing
}
