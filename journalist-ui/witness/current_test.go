package witness

import (
	"bytes"
	"os"
	"testing"

	"sourdine/vault"
)

// The latest roster is the one to seal to, with who is on it since when.
func TestCertificates(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	s.setRoster(nice, "2026-02-01", p.bob, p.brief)
	renamed := p.bob
	renamed.name = "Bob, Nice"
	s.setRoster(nice, later, p.alice, p.brief, renamed)
	b := newBook(t, s)
	s.mustTell(b)
	r, err := b.Certificates(nice)
	if err != nil || r.Channel != nice || r.Epoch != 4 || len(r.Members) != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	for i, want := range []struct {
		person
		since   string
		expired bool
	}{{p.alice, later, false}, {p.brief, "2026-02-01", true}, {renamed, made, false}} {
		m := r.Members[i]
		if m.Name != want.name || m.Fingerprint != want.finger || m.Since != want.since || m.ExpiredBy(later) != want.expired ||
			!bytes.Equal(m.Certificate, want.cert) {
			t.Errorf("member %d: %s %s since %s", i, m.Name, m.Fingerprint, m.Since)
		}
	}
	if !r.Has(p.alice.finger) || r.Has(p.carol.finger) {
		t.Error("Has says otherwise")
	}
	if epoch, ok := b.Epoch(nice); epoch != 4 || !ok {
		t.Errorf("epoch %d, %v", epoch, ok)
	}
	if _, ok := b.Epoch("Paris"); ok {
		t.Error("a channel that is not there has an epoch")
	}
}

// What nobody should seal to is refused, each with its kind.
func TestCertificatesRefused(t *testing.T) {
	p := people()
	stranger := vault.Member{Name: "Carol", Fingerprint: p.carol.finger, Certificate: p.mallory.cert}
	for name, c := range map[string]struct {
		channel string
		change  func(s *server)
		disk    func(path string) error // of the latest roster of Nice
		want    Kind
	}{
		"no channel":       {"Paris", func(*server) {}, nil, RosterUnknown},
		"no file":          {nice, func(s *server) { delete(s.files, s.latest(nice)) }, nil, RosterFileMissing},
		"a lost file":      {nice, func(*server) {}, os.Remove, RosterFileMissing},
		"a damaged file":   {nice, func(*server) {}, func(path string) error { return os.WriteFile(path, []byte("{}"), 0o600) }, RosterFileDiffers},
		"other members":    {nice, func(s *server) { s.putOther(nice, func(r *vault.Roster) { r.Members = r.Members[:1] }) }, nil, RosterMembersDiffer},
		"another epoch":    {nice, func(s *server) { s.putOther(nice, func(r *vault.Roster) { r.Epoch = 1 }) }, nil, RosterMembersDiffer},
		"two of one epoch": {nice, func(s *server) { s.putRoster(s.rosters[nice], later) }, nil, RosterTwice},
		"a stranger's certificate": {nice, func(s *server) {
			r := s.rosters[nice]
			r.Epoch, r.Members = r.Epoch+1, append(r.Members[:2:2], stranger)
			s.rosters[nice] = r
			s.putRoster(r, later)
		}, nil, CertificateDiffers},
		"another channel's trouble": {lyon, func(s *server) { s.putRoster(s.rosters[nice], later) }, nil, ""},
	} {
		s := newServer(t).channels()
		c.change(s)
		b := newBook(t, s)
		s.mustTell(b)
		if c.disk != nil {
			if _, err := b.Certificates(nice); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := c.disk(b.fs.(disk).at(rosterFile(s.latest(nice)))); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Certificates(c.channel); kindOf(err) != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// latest is the sum of a channel's roster.
func (s *server) latest(channel string) string {
	leaf, _ := s.rosterLeaf(s.rosters[channel])
	return leaf.SHA256
}

// putOther keeps another file than the leaf describes, under the sum that it has.
func (s *server) putOther(channel string, change func(*vault.Roster)) {
	r := s.rosters[channel]
	r.Epoch++
	s.rosters[channel] = r
	leaf, _ := s.rosterLeaf(r)
	change(&r)
	other, raw := s.rosterLeaf(r)
	leaf.Day, leaf.SHA256 = later, other.SHA256
	s.files[leaf.SHA256] = raw
	s.add(leaf)
}
