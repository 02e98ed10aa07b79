package casebook

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRecord(t *testing.T) {
	c, path := fresh(t)
	fields := []Field{{"Ville", "Nice"}, {"Fournisseur", "A"}, {"Fournisseur", ""}, {"Ville", "Nice"}, {"Note", "deux\nlignes\x00"}}
	mustRecord(t, c, "Reconnaissance faciale au carnaval", fields...)
	bare := mustRecord(t, c, "Sans champ")
	mustAdd(t, c, sample(1))
	mustAttach(t, c, bare.ID, sample(1).ID, 2)

	got := allRecords(t, reopen(t, path))
	want := []Record{
		{ID: bare.ID, Title: "Sans champ", Fields: []Field{}, Exhibits: []Exhibit{{
			Number: 1, Submission: sample(1).ID, Item: 2, Name: "photo.jpg", Size: 1 << 31, Type: "image/jpeg", SHA256: digest(1, 2),
		}}},
		{ID: got[1].ID, Title: "Reconnaissance faciale au carnaval", Fields: fields, Exhibits: []Exhibit{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, r := range got {
		if !regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{5}-[0-9a-hjkmnp-tv-z]{5}$`).MatchString(r.ID) {
			t.Errorf("id %q", r.ID)
		}
		one, err := c.Record(t.Context(), r.ID)
		if diff := cmp.Diff(r, one); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
		if id, err := c.ResolveRecord(t.Context(), r.ID[:5]); id != r.ID || err != nil {
			t.Errorf("%q, %v", id, err)
		}
	}
	if _, err := c.Record(t.Context(), "nosuch"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestRecordLimits(t *testing.T) {
	c, _ := fresh(t)
	many := make([]Field, maxFields+1)
	for i := range many {
		many[i].Key = "k"
	}
	for name, test := range map[string]Record{
		"no title":         {Title: ""},
		"a blank title":    {Title: " \u00a0\t"},
		"two lines":        {Title: "a\nb"},
		"a NUL":            {Title: "a\x00"},
		"a long title":     {Title: strings.Repeat("a", maxTitle+1)},
		"title no UTF-8":   {Title: "a\xff"},
		"no key":           {Title: "t", Fields: []Field{{" ", "v"}}},
		"a long key":       {Title: "t", Fields: []Field{{strings.Repeat("k", maxKey+1), "v"}}},
		"key of two lines": {Title: "t", Fields: []Field{{"k\n", "v"}}},
		"a long value":     {Title: "t", Fields: []Field{{"k", strings.Repeat("v", maxValue+1)}}},
		"value no UTF-8":   {Title: "t", Fields: []Field{{"k", "\xff"}}},
		"many fields":      {Title: "t", Fields: many},
	} {
		if _, err := c.AddRecord(t.Context(), test.Title, test.Fields); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := allRecords(t, c); got != nil {
		t.Errorf("something was added: %v", got)
	}
	mustRecord(t, c, strings.Repeat("t", maxTitle), many[:maxFields]...)
}

func TestAttach(t *testing.T) {
	c, _ := fresh(t)
	for i := range 3 {
		mustAdd(t, c, sample(i))
	}
	one, two := mustRecord(t, c, "Un"), mustRecord(t, c, "Deux")
	for _, test := range []struct {
		record             Record
		submission, item   int
		number             int
		alreadyThatExhibit bool
	}{
		{one, 0, 2, 1, false},
		{one, 1, 1, 2, false},
		{one, 0, 2, 1, true},
		{two, 0, 2, 1, false}, // numbers are per record
		{one, 0, 1, 3, false},
		{one, 1, 1, 2, true},
		{one, 2, 1, 4, false},
	} {
		x := mustAttach(t, c, test.record.ID, sample(test.submission).ID, test.item)
		if x.Number != test.number || x.SHA256 != digest(test.submission, test.item) || x.Item != test.item {
			t.Errorf("%+v: got %+v", test, x)
		}
	}
	var entries int
	c.db.QueryRow("SELECT count(*) FROM journal WHERE kind = 'record.attach'").Scan(&entries)
	if r, err := c.Record(t.Context(), one.ID); err != nil || len(r.Exhibits) != 4 || entries != 5 {
		t.Errorf("%d exhibits, %d entries, %v", len(r.Exhibits), entries, err)
	}
}

func TestAttachRefuses(t *testing.T) {
	c, _ := fresh(t)
	s := sample(1)
	s.Doubtful = "signed by another key"
	s.Items[1].SHA256 = ""
	mustAdd(t, c, s)
	r := mustRecord(t, c, "Titre")
	for _, test := range []struct {
		record, submission string
		item               int
		is                 error
		says               string
	}{
		{"nosuch", s.ID, 1, ErrNotFound, "record"},
		{r.ID, "nosuch", 1, ErrNotFound, "submission"},
		{r.ID, s.ID[:5], 1, ErrNotFound, "submission"}, // no prefixes here
		{r.ID, s.ID, 0, ErrNotFound, "item 0"},         // the manifest is no exhibit
		{r.ID, s.ID, 3, ErrNotFound, "item 3"},
		{r.ID, s.ID, -1, ErrNotFound, "item -1"},
		{r.ID, s.ID, 2, ErrInvalid, "never opened"},
		{strings.Repeat("x", 1<<20), s.ID, 1, ErrNotFound, "record"},
	} {
		_, err := c.Attach(t.Context(), test.record, test.submission, test.item)
		if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) || len(err.Error()) > 300 {
			t.Errorf("%.20v: %.300v", test, err)
		}
	}
	if x := mustAttach(t, c, r.ID, s.ID, 1); x.Number != 1 || x.Doubtful != s.Doubtful {
		t.Errorf("an exhibit hides that it is doubtful: %+v", x)
	}
}
