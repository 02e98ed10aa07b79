package witness

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sourdine/vault/translog"
)

// in is a day so many days from now.
func in(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }

// What the log dates later than tomorrow is told, whatever it is, once for all of it.
func TestLeavesAhead(t *testing.T) {
	p := people()
	for name, do := range map[string]func(s *server, day string) int{
		"submissions": func(s *server, day string) int { s.submit(nice, day); s.submit(nice, day); return 2 },
		"a roster":    func(s *server, day string) int { s.setRoster(nice, day, p.alice); return 1 },
		"a policy":    func(s *server, day string) int { s.add(translog.Policy{Channel: nice, Day: day}); return 1 },
		"a deletion": func(s *server, day string) int {
			s.deleteByOrder(s.submit(nice, sent), nice, day, p.bob)
			return 1
		},
		"a restoration": func(s *server, day string) int {
			s.add(translog.Restored{Day: day, Size: s.size(), Mark: digest("x")})
			return 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(30 * 365 * aDay) // to 2029, where all other days are over
				s := newServer(t).channels()
				b := newBook(t, s)
				s.mustTell(b)
				do(s, in(1))
				wantNotAhead(t, s.mustTell(b).Findings)
				many, first := do(s, in(2)), s.size()-1
				change := s.mustTell(b)
				found := ahead(change.Findings)
				if len(found) != 1 || found[0].Known != int64(many) || found[0].Day != in(2) || found[0].Leaf > first || found[0].Leaf < change.From {
					t.Errorf("found %+v", change.Findings)
				}
				if again := ahead(audit(t, b, Holdings{})); !slices.Equal(again, found) {
					t.Errorf("the audit: %+v", again)
				}
				time.Sleep(aDay)
				wantNotAhead(t, audit(t, b, Holdings{}))
			})
		})
	}
}

func ahead(findings []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Kind != LeafAhead })
}

func wantNotAhead(t *testing.T, findings []Finding) {
	t.Helper()
	if found := ahead(findings); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

// A deletion is not due because its day says so: the day must have come.
func TestDeletionAhead(t *testing.T) {
	p := people()
	policy := func(s *server, day string, retention, limit int) {
		s.add(translog.Policy{Channel: nice, Day: day, Retention: retention, Limit: limit})
	}
	for name, c := range map[string]struct {
		policies func(s *server)
		reason   string
		ahead    int // days
		want     []Kind
	}{
		"limit, due":                   {func(s *server) { policy(s, made, 30, 9) }, translog.ByLimit, 0, nil},
		"limit, due by then":           {func(s *server) { policy(s, made, 30, 30) }, translog.ByLimit, 20, []Kind{LimitEarly}},
		"limit, due tomorrow":          {func(s *server) { policy(s, made, 30, 10) }, translog.ByLimit, 1, nil},
		"limit, due in two days":       {func(s *server) { policy(s, made, 30, 11) }, translog.ByLimit, 2, []Kind{LimitEarly}},
		"limit, of a policy to come":   {func(s *server) { policy(s, in(5), 30, 1) }, translog.ByLimit, 20, []Kind{LimitNone}},
		"retention, due by then":       {func(s *server) {}, translog.ByRetention, 20, []Kind{RetentionEarly}},
		"retention, a policy to come":  {func(s *server) { policy(s, made, 0, 0); policy(s, in(5), 1, 0) }, translog.ByRetention, 20, []Kind{RetentionNone}},
		"retention, a roster to come":  {func(s *server) { policy(s, made, 5, 0); s.setRoster(nice, in(5), p.bob) }, translog.ByRetention, 20, []Kind{RetentionUnacknowledged}},
		"retention, roster of the day": {func(s *server) { policy(s, made, 5, 0); s.setRoster(nice, in(0), p.bob) }, translog.ByRetention, 20, []Kind{RetentionEarly}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(30 * 365 * aDay)
				s := newServer(t).channels()
				id := s.submit(nice, in(-10))
				c.policies(s)
				s.add(translog.Deletion{ID: id, Channel: nice, Day: in(c.ahead), Reason: c.reason})
				b := newBook(t, s)
				s.mustTell(b)
				h := s.all(p.alice, id)
				h.Acknowledged = nil
				if c.reason == translog.ByRetention && !slices.Contains(c.want, RetentionUnacknowledged) && c.want != nil {
					h.Acknowledged = func(string) (string, bool) { return in(-10), true }
				}
				found, err := b.Missing(h)
				if err != nil {
					t.Fatal(err)
				}
				wantKinds(t, found, c.want...)
			})
		})
	}
}

// A day that has not come does not make everything that follows late, and no
// certificate expired.
func TestAheadSpoilsNothing(t *testing.T) {
	p := people()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 365 * aDay)
		s := newServer(t)
		for _, members := range [][]person{nil, {p.alice}, {p.alice, p.bob}} {
			s.setRoster(nice, made, members...)
		}
		b := newBook(t, s)
		s.submit(nice, "2100-01-01")
		s.mustTell(b)
		time.Sleep(aDay)
		s.submit(nice, in(-1))
		s.submit(nice, in(0))
		wantKinds(t, s.mustTell(b).Findings)
		time.Sleep(5 * aDay)
		s.submit(nice, in(0))
		wantKinds(t, s.mustTell(b).Findings)
		s.submit(nice, in(-2))
		wantKinds(t, s.mustTell(b).Findings, LeafBackdated)
	})
}

// Nobody is expired before the day has come, whatever the log says of the day.
func TestAheadExpiresNobody(t *testing.T) {
	p, late := people(), newPerson("Late", 100*365*aDay) // until 2125
	s := newServer(t)
	s.setRoster(nice, made)
	s.setRoster(nice, made, p.alice)
	id := s.submit(nice, sent)
	s.setRoster(nice, made, p.alice, late)
	s.submit(nice, "2200-01-01")
	b := newBook(t, s)
	s.mustTell(b)
	r := s.got(id)
	r.Epoch, r.Envelope = 2, sealTo(t, later, p.alice)
	wantKinds(t, b.Check(r), RecipientMissing)
}
