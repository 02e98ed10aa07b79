package witness

import (
	"slices"

	"sourdine/journalist-ui/unseal"
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
// finding means that all is as the log says.
func (b *Book) Check(r Received) []Finding {
	b.mu.RLock()
	defer b.mu.RUnlock()
	leaf, number, ok := b.submission(r.ID)
	if !ok {
		return []Finding{{Kind: NotInLog, ID: r.ID}}
	}
	findings := compare(r, leaf)
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
	recipients, err := unseal.Recipients(r.Envelope)
	if err != nil {
		return []Finding{{Kind: EnvelopeUnreadable}}
	}
	// A new envelope is of any day since; an expired certificate stays so.
	sealed := leaf.Day
	if r.Epoch > leaf.Epoch {
		sealed = b.index.lastDay
	}
	return compareRecipients(recipients, members, sealed)
}

// compareRecipients finds a member for each recipient and one recipient for
// each member. sealed is the last day on which the envelope can have been made.
func compareRecipients(recipients []unseal.Recipient, members []reader, sealed string) []Finding {
	var findings []Finding
	named := make([]int, len(members))
	for _, r := range recipients {
		at := slices.IndexFunc(members, func(m reader) bool { return m.has(r) })
		switch {
		case r.KeyID == "" && r.Fingerprint == "":
			findings = append(findings, Finding{Kind: RecipientHidden})
		case at < 0:
			findings = append(findings, Finding{Kind: RecipientAdded, KeyID: r.KeyID, Key: r.Fingerprint})
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

func (m reader) has(r unseal.Recipient) bool {
	return slices.ContainsFunc(m.keys, func(k subkey) bool { return k.is(r) })
}

// judge says what is wrong with how often an envelope names a member.
func (m reader) judge(named int, sealed string) Kind {
	switch {
	case named > 1:
		return RecipientTwice
	case named == 1:
		return ""
	case len(m.keys) > 0 && expiredBy(m.certificate, sealed): // it is the member's own
		return RecipientExpired
	}
	return RecipientMissing
}
