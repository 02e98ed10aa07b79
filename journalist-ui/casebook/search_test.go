package casebook

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSearch(t *testing.T) {
	c, _ := fresh(t)
	s := sample(1)
	s.Message = "Le contrat de vidéosurveillance algorithmique, signé par l'État à NICE."
	s.Items[0].Name = "CCTP_marché-2026.final.pdf"
	mustAdd(t, c, s)
	other := sample(2)
	other.Message = "Rien à voir: la préfecture."
	other.Items[0].Name = "Straße ﬁn 監視.doc"
	mustAdd(t, c, other)
	r := mustRecord(t, c, "Projet de Nice", Field{"Fournisseur", "Société Ça-Voit"})
	mustAttach(t, c, r.ID, other.ID, 1)

	for _, test := range []struct{ query, want string }{
		{"nice", r.ID + " " + s.ID}, // the title before the text
		{"NICE", r.ID + " " + s.ID},
		{"videosurveillance", s.ID},
		{"VIDÉOSURV", s.ID},
		{"etat", s.ID},
		{"l'état", s.ID},
		{"l’etat", s.ID},
		{"état l'", s.ID},
		{"contrat nice", s.ID},
		{"contrat prefecture", ""},
		{"marche 2026", s.ID},
		{"cctp_marché", s.ID},
		{"final.pdf", s.ID},
		{"societe", r.ID},
		{"fournisseur", r.ID},
		{"ca-voit", r.ID},
		{"監視", other.ID + " " + r.ID},
		{`"nice"`, r.ID + " " + s.ID},
		{"« nice »", r.ID + " " + s.ID},
		{"nice 🎥 *", r.ID + " " + s.ID},
		{"NOT nice", ""},
		{"title:nice", ""},
		{"surveillance", ""}, // words are found by their beginning
	} {
		hits, err := c.Search(t.Context(), test.query, 10)
		if err != nil {
			t.Errorf("%q: %v", test.query, err)
		}
		if got := ids(hits); got != test.want {
			t.Errorf("%q: got %q, want %q", test.query, got, test.want)
		}
	}
	hits, _ := c.Search(t.Context(), "nice", 1)
	if len(hits) != 1 || hits[0].Title != "Projet de Nice" || hits[0].Excerpt != "Projet de Nice" {
		t.Errorf("got %+v", hits)
	}
	if hits, _ = c.Search(t.Context(), "algorithmique", 1); !strings.Contains(hits[0].Excerpt, "vidéosurveillance algorithmique, signé") {
		t.Errorf("got %+v", hits)
	}
	const moment = "2026-11-21T10:00:00.5+01:00" // which the driver might take for a time
	mustRecord(t, c, moment)
	if hits, _ = c.Search(t.Context(), moment, 1); len(hits) != 1 || hits[0].Title != moment || hits[0].Excerpt != moment {
		t.Errorf("got %+v", hits)
	}
	for _, limit := range []int{0, -1} {
		if hits, err := c.Search(t.Context(), "nice", limit); len(hits) != 0 || err != nil {
			t.Errorf("limit %d: %v, %v", limit, hits, err)
		}
	}
}

func ids(hits []Hit) string {
	var all []string
	for _, h := range hits {
		all = append(all, h.Record+h.Submission)
	}
	return strings.Join(all, " ")
}

var nonsense = []string{
	"", " ", `"`, `""`, `"""`, "*", "**", "a*", "*a", "^", "^a", "NEAR(", "NEAR(a b, 2", "AND", "OR", "NOT", "a AND", "a OR OR b",
	"(", ")", "((((", "{a b}:c", "-a", "+a", "a:b", "title : a", ":", "\\", "'", "';--", "%", "_", "🎥", "🎥🎥*", "\x00", "a\x00b", "\x00\x00",
	"\xff\xfe", "\u202e", "\u0301", "a\u0301\u0301\u0301", "\U000e0001", "\ue000", "�", strings.Repeat("a", 10<<10), strings.Repeat("a ", 10<<10),
	strings.Repeat(`"`, 10<<10), strings.Repeat("(", 10<<10), strings.Repeat("é", 10<<10), strings.Repeat("🎥 ", 10<<10),
	strings.Repeat("a.", 10<<10), strings.Repeat("NEAR(", 2<<10), strings.Repeat("\u0301", 10<<10),
}

func TestSearchNonsense(t *testing.T) {
	c, _ := fresh(t)
	mustAdd(t, c, sample(1))
	mustRecord(t, c, "A AND b OR NEAR")
	for _, query := range nonsense {
		if _, err := c.Search(t.Context(), query, 10); err != nil {
			t.Errorf("%.40q: %v", query, err)
		}
	}
}

func TestSearchAnything(t *testing.T) {
	c, _ := fresh(t)
	mustAdd(t, c, sample(1))
	rapid.Check(t, func(t *rapid.T) {
		query := rapid.OneOf(rapid.String(), rapid.StringMatching(`["*()^:+\-{} aé\x00]{0,40}`), rapid.Map(
			rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "query")
		if _, err := c.Search(t.Context(), query, 10); err != nil {
			t.Fatal(err)
		}
	})
}

// What is stored is found again by each of its words, whatever it was.
func TestSearchFindsEveryWord(t *testing.T) {
	c, _ := fresh(t)
	s := sample(1)
	s.Message = "aujourd'hui 3,5M€ (TTC) §4 n°12 SARL«X» café/thé 10h30 <b>gras</b> a\u0301ccent e-mail@exemple.fr"
	mustAdd(t, c, s)
	for word := range strings.FieldsSeq(s.Message) {
		if hits, err := c.Search(t.Context(), word, 1); len(hits) != 1 || err != nil {
			t.Errorf("%q: %v, %v", word, hits, err)
		}
	}
}
