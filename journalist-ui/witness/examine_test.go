package witness

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// Leaves of a day that was over when the log was seen last, told once for each
// visit that saw a later day. The first visit and a long upload are nothing strange.
func TestBackdated(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	s.submit(nice, later)
	s.submit(nice, sent)
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings)
	s.submit(nice, "2026-02-28")
	wantKinds(t, s.mustTell(b).Findings)
	first := s.size()
	id := s.submit(nice, "2026-02-27")
	s.add(translog.Policy{Channel: lyon, Day: sent})
	s.deleteByOrder(id, nice, sent, p.bob)
	found := s.mustTell(b).Findings
	want := []Finding{{Kind: LeafBackdated, Leaf: first, Day: "2026-02-27", Known: 3}}
	if !slices.Equal(found, want) {
		t.Errorf("%+v", found)
	}
	s.submit(nice, "2026-04-01")
	wantKinds(t, s.mustTell(b).Findings)
	second := s.size()
	s.submit(nice, later)
	want = append(want, Finding{Kind: LeafBackdated, Leaf: second, Day: later, Known: 1})
	if found = s.mustTell(b).Findings; !slices.Equal(found, want[1:]) {
		t.Errorf("%+v", found)
	}
	found, err := openBook(t, b.fs.(disk).folder, s).Audit(context.Background(), Holdings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range want {
		if !slices.Contains(found, f) {
			t.Errorf("the audit misses %+v: %+v", f, found)
		}
	}
}

// What contradicts itself in a log that the vault signed is found when it is
// imported, and by every audit.
func TestExamine(t *testing.T) {
	p := people()
	for name, c := range map[string]struct {
		do   func(s *server)
		want []Kind
	}{
		"submission twice": {func(s *server) { s.addRaw(s.leaves[s.numbers[s.submit(nice, sent)]]) }, []Kind{SubmissionTwice}},
		"deletion twice": {func(s *server) {
			s.deleteByOrder(s.submit(nice, sent), nice, later, p.bob)
			s.addRaw(s.leaves[s.size()-1])
		}, []Kind{DeletionTwice}},
		"deletion of nothing": {func(s *server) {
			s.add(translog.Deletion{ID: vault.NewID().String(), Channel: nice, Day: later, Reason: translog.ByRetention})
		}, []Kind{DeletionOfNothing}},
		"epoch skipped": {func(s *server) {
			r := s.rosters[nice]
			r.Epoch += 2
			s.putRoster(r, later)
		}, []Kind{RosterSkipped}},
		"channel without a beginning": {func(s *server) { s.putRoster(vault.Roster{Channel: "Paris", Epoch: 1}, later) }, []Kind{RosterSkipped}},
		"two rosters of an epoch": {func(s *server) {
			r := s.rosters[nice]
			r.Members = r.Members[:1]
			s.putRoster(r, later)
		}, []Kind{RosterTwice}},
		"epochs in another order": {func(s *server) {
			s.setRoster(nice, later, p.bob)
			s.setRoster(nice, later, p.alice)
			n := len(s.leaves)
			s.leaves[n-1], s.leaves[n-2] = s.leaves[n-2], s.leaves[n-1]
			s.rebuild()
		}, nil},
		"sealed to an unknown roster": {func(s *server) {
			r := s.rosters[nice]
			r.Epoch = 7
			s.rosters[nice] = r
			s.submit(nice, sent)
		}, []Kind{RosterUnknown}},
		"sealed to others than the roster": {func(s *server) {
			r := s.rosters[nice]
			r.Members = append(slices.Clone(r.Members), vault.Member{Fingerprint: p.mallory.finger})
			s.rosters[nice] = r
			s.submit(nice, sent)
		}, []Kind{RecipientsDiffer}},
		"roster file left out": {func(s *server) {
			s.setRoster(nice, later, p.bob)
			delete(s.files, sumOf(mustJSON(s.rosters[nice])))
		}, []Kind{RosterFileMissing}},
		"roster file lists others": {func(s *server) {
			r := s.rosters[nice]
			r.Epoch++
			raw := mustJSON(r)
			s.files[sumOf(raw)] = raw
			s.add(translog.Roster{Channel: nice, Day: later, Epoch: r.Epoch, SHA256: sumOf(raw),
				Members: []translog.Member{{Name: "Alice", Fingerprint: p.alice.finger}}})
		}, []Kind{RosterMembersDiffer}},
		"roster file of another epoch": {func(s *server) {
			r := s.rosters[nice]
			raw := mustJSON(r)
			leaf := translog.Roster{Channel: nice, Day: later, Epoch: r.Epoch + 1, SHA256: sumOf(raw)}
			for _, m := range r.Members {
				leaf.Members = append(leaf.Members, translog.Member{Name: m.Name, Fingerprint: m.Fingerprint})
			}
			s.add(leaf)
		}, []Kind{RosterMembersDiffer}},
		"another's certificate": {func(s *server) {
			fake := p.bob
			fake.cert = p.mallory.cert
			s.setRoster(nice, later, p.alice, fake)
		}, []Kind{CertificateDiffers}},
		"no certificate": {func(s *server) {
			fake := p.bob
			fake.cert = []byte("x")
			s.setRoster(nice, later, p.alice, fake)
		}, []Kind{CertificateDiffers}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t).channels()
			b := newBook(t, s)
			s.mustTell(b)
			c.do(s)
			wantKinds(t, s.mustTell(b).Findings, c.want...)
			found, err := openBook(t, b.fs.(disk).folder, s).Audit(context.Background(), s.all(p.carol))
			if err != nil {
				t.Fatal(err)
			}
			wantKinds(t, found, c.want...)
		})
	}
}

func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
