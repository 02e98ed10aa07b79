package witness

import (
	"sourdine/vault/translog"
)

// A Roster is who reads a channel from now on: the latest that the log tells.
type Roster struct {
	Channel string
	Epoch   uint64
	Sum     string // SHA-256 of its file, as its leaf has it
	Members []Member
}

// A Member is a reviewer on a roster.
type Member struct {
	Name        string
	Fingerprint string // upper-case hexadecimal
	Since       string // the day (UTC) since which they are on the channel's rosters without a gap
	Certificate []byte

	reader reader
}

// ExpiredBy tells whether nobody could encrypt to the member any more at the end
// of a day: whoever seals anew then leaves them out.
func (m Member) ExpiredBy(day string) bool { return m.reader.expiredBy(day) }

// Has reports whether the reviewer with this fingerprint is on the roster.
func (r Roster) Has(fingerprint string) bool {
	for _, m := range r.Members {
		if m.Fingerprint == fingerprint {
			return true
		}
	}
	return false
}

// Epoch is that of a channel's latest roster; not ok for a channel that the log
// does not know.
func (b *Book) Epoch(channel string) (epoch uint64, ok bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	list := b.index.rosters[channel]
	if len(list) == 0 {
		return 0, false
	}
	return list[len(list)-1].epoch, true
}

// Certificates returns a channel's latest roster, for something to be sealed to:
// it reads the roster's file again. The error is [Refused] when the log knows no
// roster or two of them for that place, when the file is missing or another than
// the leaf names, or when a certificate in it is not the named reviewer's or
// cannot encrypt.
func (b *Book) Certificates(channel string) (Roster, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	list := b.index.rosters[channel]
	if len(list) == 0 {
		return Roster{}, refuse(Finding{Kind: RosterUnknown, Channel: channel})
	}
	leaf, err := b.rosterLeaf(list[len(list)-1].number)
	if err != nil {
		return Roster{}, err
	}
	stored, wrong := b.openRoster(leaf)
	if len(list) > 1 && list[len(list)-2].epoch == leaf.Epoch {
		wrong = RosterTwice
	}
	if wrong != "" {
		return Roster{}, refuse(Finding{Kind: wrong, Channel: channel, Epoch: leaf.Epoch, Sum: leaf.SHA256})
	}
	since, err := b.membersSince(list, leaf)
	if err != nil {
		return Roster{}, err
	}
	r := Roster{Channel: channel, Epoch: leaf.Epoch, Sum: leaf.SHA256}
	for _, m := range readers(stored) {
		if !m.CanBeNamed() {
			return Roster{}, refuse(Finding{Kind: CertificateDiffers, Channel: channel, Epoch: leaf.Epoch, Name: m.name, Fingerprint: m.fingerprint})
		}
		r.Members = append(r.Members, Member{m.name, m.fingerprint, since[m.fingerprint], m.certificate, m})
	}
	return r, nil
}

// membersSince goes back from the last of a channel's rosters, for as long as
// its members were on them.
func (b *Book) membersSince(list []rosterLeaf, last translog.Roster) (map[string]string, error) {
	since, still := map[string]string{}, last.Members
	for i := len(list) - 1; i >= 0 && len(still) > 0; i-- {
		leaf, err := b.rosterLeaf(list[i].number)
		if err != nil {
			return nil, err
		}
		var were []translog.Member
		for _, m := range still {
			if isMember(leaf, m.Fingerprint) {
				since[m.Fingerprint] = leaf.Day
				were = append(were, m)
			}
		}
		still = were
	}
	return since, nil
}
