package casebook

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSubmissionComesBackAsItWas(t *testing.T) {
	c, path := fresh(t)
	hostile := sample(7)
	hostile.Message = "\x00NUL, \u202ebidi, \u2028line, <script>&\"'\\, 🎥\r\n"
	hostile.Items[0].Name = "C:\\..\\con.pdf\x00\n" + strings.Repeat("é", 2000)
	empty := Submission{ID: "empty1", Vault: "v", Channel: "c", Day: "2026-02-28", Items: []Item{}}
	doubtful := sample(8)
	doubtful.Doubtful = "an unknown recipient"
	doubtful.Items[1].SHA256 = ""
	long := sample(9)
	long.Message = strings.Repeat("m", maxMessage)
	want := []Submission{long, doubtful, empty, hostile}
	for i := range want {
		mustAdd(t, c, want[len(want)-1-i])
	}
	if diff := cmp.Diff(want, allSubmissions(t, reopen(t, path))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got, err := c.Submission(t.Context(), hostile.ID)
	if diff := cmp.Diff(hostile, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestAddSubmissionTwice(t *testing.T) {
	c, _ := fresh(t)
	mustAdd(t, c, sample(1))
	entries := func() (n int) {
		c.db.QueryRow("SELECT count(*) FROM journal").Scan(&n)
		return n
	}
	if added, err := c.AddSubmission(t.Context(), sample(1)); added || err != nil || entries() != 1 {
		t.Errorf("again: %v, %v, %d journal entries", added, err, entries())
	}
	for name, change := range map[string]func(*Submission){
		"vault":    func(s *Submission) { s.Vault += "x" },
		"channel":  func(s *Submission) { s.Channel += "x" },
		"day":      func(s *Submission) { s.Day = "2026-11-22" },
		"language": func(s *Submission) { s.Language = "en" },
		"message":  func(s *Submission) { s.Message += "\x00" },
		"doubt":    func(s *Submission) { s.Doubtful = "x" },
		"no items": func(s *Submission) { s.Items = nil },
		"name":     func(s *Submission) { s.Items[1].Name += " " },
		"digest":   func(s *Submission) { s.Items[1].SHA256 = digest(2, 2) },
	} {
		s := sample(1)
		change(&s)
		added, err := c.AddSubmission(t.Context(), s)
		if added || !errors.Is(err, ErrConflict) || entries() != 1 {
			t.Errorf("%s: %v, %v, %d journal entries", name, added, err, entries())
		}
		if strings.Contains(err.Error(), "état civil") || strings.Contains(err.Error(), "vidéo") {
			t.Errorf("a text of the source is in the error: %v", err)
		}
	}
	if got, _ := c.Submission(t.Context(), sample(1).ID); !cmp.Equal(got, sample(1)) {
		t.Error("the submission was changed")
	}
}

func TestSubmissionLimits(t *testing.T) {
	c, _ := fresh(t)
	for name, change := range map[string]func(*Submission){
		"no id":         func(s *Submission) { s.ID = "" },
		"short id":      func(s *Submission) { s.ID = "abc" },
		"path as id":    func(s *Submission) { s.ID = "../../../x" },
		"pattern as id": func(s *Submission) { s.ID = "abcd%" },
		"long id":       func(s *Submission) { s.ID = strings.Repeat("a", maxID+1) },
		"no day":        func(s *Submission) { s.Day = "" },
		"no such day":   func(s *Submission) { s.Day = "2026-02-30" },
		"a time":        func(s *Submission) { s.Day = "2026-02-01T10:00" },
		"long vault":    func(s *Submission) { s.Vault = strings.Repeat("a", maxWord+1) },
		"long message":  func(s *Submission) { s.Message = strings.Repeat("a", maxMessage+1) },
		"no UTF-8":      func(s *Submission) { s.Message = "secret\xff" },
		"name no UTF-8": func(s *Submission) { s.Items[0].Name = "secret\xff" },
		"long name":     func(s *Submission) { s.Items[0].Name = strings.Repeat("secret", maxName) },
		"long type":     func(s *Submission) { s.Items[0].Type = strings.Repeat("a", maxWord+1) },
		"item 0":        func(s *Submission) { s.Items[0].N = 0 },
		"item twice":    func(s *Submission) { s.Items[1].N = 1 },
		"negative size": func(s *Submission) { s.Items[1].Size = -1 },
		"no digest":     func(s *Submission) { s.Items[1].SHA256 = "" },
		"upper digest":  func(s *Submission) { s.Items[1].SHA256 = strings.Repeat("A", 64) },
		"long digest":   func(s *Submission) { s.Items[1].SHA256 = strings.Repeat("a", 65) },
		"too many":      func(s *Submission) { s.Items = make([]Item, maxItems+1) },
	} {
		s := sample(1)
		change(&s)
		if added, err := c.AddSubmission(t.Context(), s); added || !errors.Is(err, ErrInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %v", name, added, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
	if got := allSubmissions(t, c); got != nil {
		t.Errorf("something was added: %v", got)
	}
}

func TestManyItems(t *testing.T) {
	c, _ := fresh(t)
	s := sample(1)
	s.Items = nil
	for n := range maxItems {
		s.Items = append(s.Items, Item{N: n + 1, Name: "a", SHA256: digest(1, n)})
	}
	mustAdd(t, c, s)
	if got, err := c.Submission(t.Context(), s.ID); err != nil || !cmp.Equal(got, s) {
		t.Errorf("differs, %v", err)
	}
}

func TestSubmissionsGoesOnFrom(t *testing.T) {
	c, _ := fresh(t)
	if got := allSubmissions(t, c); got != nil {
		t.Errorf("an empty casebook lists %v", got)
	}
	const n = 3*pageRows + 5
	for i := range n {
		mustAdd(t, c, sample(i))
		if i%2 == 0 { // submissions and records share the journal's numbers
			mustRecord(t, c, "Titre")
		}
	}
	want := n - 1
	for s, err := range c.Submissions(t.Context(), "") {
		if err != nil || s.ID != sample(want).ID || len(s.Items) != 2 {
			t.Fatalf("got %v, %v; want %d", s, err, want)
		}
		if want == n-pageRows { // added while the list is read: not before the end of it
			mustAdd(t, c, sample(n))
		}
		want--
	}
	if want != -1 {
		t.Errorf("%d missing", want+1)
	}
	for _, from := range []int{n - 1, pageRows, 1, 0} {
		got := 0
		for s, err := range c.Submissions(t.Context(), sample(from).ID) {
			if got++; err != nil || s.ID != sample(from-got).ID {
				t.Fatalf("before %d: %v, %v", from, s.ID, err)
			}
		}
		if got != from {
			t.Errorf("before %d: %d", from, got)
		}
	}
	for _, err := range c.Submissions(t.Context(), "nosuch") {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
	}
}

func TestResolveSubmission(t *testing.T) {
	c, _ := fresh(t)
	for _, id := range []string{"abcd", "abcdef", "abcdeg", "zz-_9", "ABCD1"} {
		s := sample(1)
		s.ID = id
		mustAdd(t, c, s)
	}
	for _, test := range []struct {
		prefix, want string
		err          error
	}{
		{"abcd", "abcd", nil},
		{"abcdef", "abcdef", nil},
		{"abcde", "", ErrInvalid},
		{"abc", "", ErrInvalid},
		{"", "", ErrInvalid},
		{"zz-_", "zz-_9", nil},
		{"ABCD", "ABCD1", nil},
		{"zz-%", "", ErrNotFound},
		{"____", "", ErrNotFound},
		{"~~~~", "", ErrNotFound},
		{"abcd\x00", "", ErrNotFound},
		{"\x00\x00\x00\x00", "", ErrNotFound},
		{"' OR 1 --", "", ErrNotFound},
		{strings.Repeat("a", 1<<20), "", ErrNotFound},
	} {
		got, err := c.ResolveSubmission(t.Context(), test.prefix)
		if got != test.want || !errors.Is(err, test.err) || err != nil && len(err.Error()) > 200 {
			t.Errorf("%.20q: %q, %v", test.prefix, got, err)
		}
	}
}
