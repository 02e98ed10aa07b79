package witness

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// A household is a real vault with the channel Nice and a submission in it, and what
// the desks of Alice, Bob and Carol know of it. A day passes with everything that
// happens.
type household struct {
	t     *testing.T
	vault *vault.Vault
	of    *server // its key, and nothing else
	id    vault.ID
	sent  string                       // its day
	epoch uint64                       // that it is sealed to
	acked map[string]map[string]string // who, what, when
}

const aDay = 24 * time.Hour

func newHousehold(t *testing.T) *household {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := v.AddChannel(t.Context(), nice); err != nil {
		t.Fatal(err)
	}
	return &household{t: t, vault: v, of: newServer(t), acked: map[string]map[string]string{"A": {}, "B": {}, "C": {}}}
}

func (h *household) person(letter string) person {
	p := people()
	return map[string]person{"A": p.alice, "B": p.bob, "C": p.carol}[letter]
}

// do takes +X, somebody joins; -X, leaves; !, a submission comes; =, it is sealed to
// those who are there now; X, somebody's desk has it and says so; P2/3, a policy of
// a retention of 2 and a limit of 3 days, and p2/3, which takes no day; W7, 7 days.
func (h *household) do(what string) {
	h.t.Helper()
	ctx := h.t.Context()
	roster, err := h.vault.Roster(nice)
	if err != nil {
		h.t.Fatal(err)
	}
	switch {
	case what[0] == '+':
		p := h.person(what[1:])
		_, err = h.vault.AddMember(ctx, nice, vault.Member{Name: p.name, Fingerprint: p.finger, Certificate: p.cert})
	case what[0] == '-':
		_, err = h.vault.RemoveMember(ctx, nice, h.person(what[1:]).finger)
	case what[0] == 'P', what[0] == 'p':
		var p vault.Policy
		if _, err := fmt.Sscanf(what[1:], "%d/%d", &p.Retention, &p.Limit); err != nil {
			h.t.Fatal(err)
		}
		if err := h.vault.SetPolicy(ctx, nice, p); err != nil || what[0] == 'p' {
			h.wants(err)
			return
		}
	case what[0] == 'W':
		n, err := strconv.Atoi(what[1:])
		h.wants(err)
		time.Sleep(time.Duration(n-1) * aDay)
	case what == "!":
		h.sent, h.epoch = today(), roster.Epoch
		h.id, err = h.submit(roster.Epoch)
	case what == "=":
		err = h.vault.Apply(ctx, func(c *vault.Change) error { return c.Reenvelope(h.id, []byte("envelope"), roster.Epoch) })
	default:
		h.acked[what][h.id.String()] = today()
		err = h.vault.Apply(ctx, func(c *vault.Change) error { return c.Acknowledge(h.id, h.person(what).finger) })
	}
	if err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
	time.Sleep(aDay)
}

func (h *household) submit(epoch uint64) (id vault.ID, err error) {
	d := h.vault.NewDraft()
	w, err := d.Item(h.t.Context(), 0)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return id, err
	}
	return d.Commit(h.t.Context(), vault.Commitment{Channel: nice, Day: today(), Epoch: epoch, Envelope: []byte("envelope")})
}

func (h *household) wants(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// missing is what somebody's desk says after it was told of the whole log.
func (h *household) missing(letter string) []Finding {
	h.t.Helper()
	found, err := h.told().Missing(h.holdings(letter))
	h.wants(err)
	return found
}

func (h *household) holdings(letter string) Holdings {
	return Holdings{Fingerprint: h.person(letter).finger, Acknowledged: func(id string) (string, bool) {
		day, ok := h.acked[letter][id]
		return day, ok
	}}
}

// told is a book that was told of the whole log.
func (h *household) told() *Book {
	h.t.Helper()
	size, err := h.vault.Batch(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	root, err := translog.Root(size, h.vault)
	if err != nil {
		h.t.Fatal(err)
	}
	origin, err := translog.Origin(h.of.public)
	if err != nil {
		h.t.Fatal(err)
	}
	signed, err := translog.Checkpoint{Origin: origin, Size: size, Root: root}.Sign(h.of.secret)
	if err != nil {
		h.t.Fatal(err)
	}
	var lines bytes.Buffer
	for leaf, err := range h.vault.Leaves(0, size) {
		if err != nil {
			h.t.Fatal(err)
		}
		lines.Write(append(leaf, '\n'))
	}
	b := newBook(h.t, h.of)
	visit, err := b.Begin(signed)
	if err != nil {
		h.t.Fatal(err)
	}
	defer visit.Drop()
	if err := visit.Leaves(&lines, 0); err != nil {
		h.t.Fatal(err)
	}
	_, err = visit.Commit()
	h.wants(err)
	return b
}

// judge is what desks would say if the submission were deleted today, and whether
// the vault wants that.
func (h *household) judge(b *Book, reason string) (found []Finding, wants bool) {
	h.t.Helper()
	s := translog.Submission{ID: h.id.String(), Channel: nice, Day: h.sent, Epoch: h.epoch}
	d := translog.Deletion{ID: s.ID, Channel: nice, Day: today(), Reason: reason}
	found = b.inquire().whyDeleted(s, d)
	for _, letter := range []string{"A", "B"} {
		found = append(found, b.whyUnread(h.holdings(letter), s, d)...)
	}
	for d, err := range h.vault.Expired(today()) {
		h.wants(err)
		wants = wants || d.Reason == reason
	}
	return found, wants
}

// On every day the desks call a deletion early exactly when the vault would not
// delete yet.
func TestSameDayOnBothSides(t *testing.T) {
	for name, c := range map[string]struct {
		does   string
		reason string
		goes   int // days after the first, 0: never
	}{
		"by default":                 {"+A +B ! A B", translog.ByRetention, 34},
		"late acknowledged":          {"+A +B ! A W20 B", translog.ByRetention, 54},
		"removed, after the last":    {"+A +B ! A W40 -B", translog.ByRetention, 74},
		"removed, all had it":        {"+A +B ! A B W10 -B", translog.ByRetention, 45},
		"added, after the last":      {"+A ! A W20 +B", translog.ByRetention, 53},
		"a policy changes no day":    {"+A ! A W5 P9/0", translog.ByRetention, 11},
		"a policy of none":           {"+A ! A P0/0", translog.ByRetention, 0},
		"limit":                      {"P0/5 +A !", translog.ByLimit, 8},
		"limit, sent before":         {"+A ! W90 P0/5", translog.ByLimit, 98},
		"limit, another policy":      {"P0/50 +A ! W9 P3/50", translog.ByLimit, 53},
		"limit, shorter":             {"P0/50 +A ! W9 P0/7", translog.ByLimit, 20},
		"limit, longer":              {"P0/9 +A ! W5 P0/20", translog.ByLimit, 29},
		"limit, off and on":          {"P0/9 +A ! P0/0 P0/9", translog.ByLimit, 14},
		"limit, off and on in a day": {"P0/9 +A ! p0/0 P0/9", translog.ByLimit, 13},
		"limit, twice in a day":      {"P0/9 +A ! p1/9 P0/9", translog.ByLimit, 12},
		"no limit any more":          {"P0/9 +A ! P0/0", translog.ByLimit, 0},
	} {
		t.Run(name, func(t *testing.T) {
			people() // not of the bubble
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon(made)))
				first := today()
				h := newHousehold(t)
				for _, what := range strings.Fields(c.does) {
					h.do(what)
				}
				b, goes := h.told(), 0
				for range 120 {
					found, wants := h.judge(b, c.reason)
					if wants != (len(found) == 0) {
						t.Fatalf("on day %d the vault deletes: %v, and the desks say %+v", daysBetween(first, today()), wants, found)
					}
					if wants && goes == 0 {
						goes = daysBetween(first, today())
					}
					time.Sleep(aDay)
				}
				if goes != c.goes {
					t.Errorf("it goes on day %d, not %d", goes, c.goes)
				}
			})
		})
	}
}

// Of a server that deletes by retention what it may, no desk says anything; and of
// one that does not wait for whom it must ask, those desks do that were asked all the
// time. A desk cannot know more: an envelope may have been sealed anew to any roster
// since, and only its members are asked.
func TestRetentionOnBothSides(t *testing.T) {
	for name, c := range map[string]struct {
		does     string
		deletes  bool
		accusers string // if it deletes all the same
	}{
		"all have it":                     {"+A +B ! A B", true, ""},
		"one lacks it":                    {"+A +B ! A", false, "B"},
		"nobody has it":                   {"+A +B ! +C", false, "A B"},
		"who lacks it was removed":        {"+A +B ! A -B", true, ""},
		"who has it was removed":          {"+A +B ! A -A", false, "B"},
		"one of two who lack it":          {"+A +B +C ! A -B", false, "C"},
		"removed, had it":                 {"+A +B ! A B -A", true, ""},
		"removed before":                  {"+A +B -A ! B", true, ""},
		"added later":                     {"+A ! A +B", true, ""},
		"nobody is left":                  {"+A ! A +B -A", false, ""},
		"nobody is left, and none has it": {"+A ! +B -A", false, ""},
		"back, and lacks it":              {"+A +B ! A -B +B", false, ""},
		"back, and has it":                {"+A +B ! A -B +B B", true, ""},
		"back, the other lacks it":        {"+A +B ! -A +A A", false, "B"},
		"sealed anew, one lacks it":       {"+A +B ! A +C =", false, "B"},
		"sealed anew, the new one does":   {"+A ! A +B =", false, ""},
		"sealed anew without who lacks":   {"+A +B ! -B = A +B", true, ""},
		"sealed anew, and removed":        {"+A ! A +B = -B", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			people() // not of the bubble
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon(made)))
				h := newHousehold(t)
				for _, what := range strings.Fields(c.does) {
					h.do(what)
				}
				time.Sleep((vault.DefaultRetention + 1) * aDay)
				var expired []vault.Deletion
				for d, err := range h.vault.Expired(today()) {
					if err != nil {
						t.Fatal(err)
					}
					expired = append(expired, d)
				}
				if deletes := len(expired) == 1; deletes != c.deletes {
					t.Fatalf("the vault deletes: %v", deletes)
				}
				deletion := vault.Deletion{ID: h.id, Reason: translog.ByRetention}
				if err := h.vault.Delete(t.Context(), []vault.Deletion{deletion}); err != nil {
					t.Fatal(err)
				}
				for letter := range h.acked {
					var want []Kind
					if strings.Contains(c.accusers, letter) {
						want = []Kind{RetentionUnacknowledged}
					}
					wantKinds(t, h.missing(letter), want...)
				}
			})
		})
	}
}

// Who was removed before it was delivered is told so; nobody calls it dropped.
func TestRemovedBeforeDelivery(t *testing.T) {
	people()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon(made)))
		h := newHousehold(t)
		for _, what := range []string{"+A", "+B", "!"} {
			h.do(what)
		}
		wantKinds(t, h.missing("A"), Dropped)
		h.do("-A")
		wantKinds(t, h.missing("A"), Withheld)
		wantKinds(t, h.missing("B"), Dropped)
		h.do("+A") // then the vault sends it again
		wantKinds(t, h.missing("A"), Dropped)
	})
}
