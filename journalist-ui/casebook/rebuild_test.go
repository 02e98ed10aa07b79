package casebook

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// desk is what a casebook should hold, kept in the simplest way.
type desk struct {
	submissions []Submission
	records     []Record
}

// Random changes, some of them refused, come to the same as in the model; and
// replaying the journal comes to the same again.
func TestAgainstAModel(t *testing.T) {
	c, path := fresh(t)
	var model desk // one casebook for all runs: creating one takes longer than a run
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 6).Draw(rt, "changes") {
			switch rapid.IntRange(0, 3).Draw(rt, "kind") {
			case 0:
				model.addSubmission(rt, c)
			case 1:
				model.addRecord(rt, c)
			default:
				model.attach(rt, c)
			}
		}
	})
	for name, c := range map[string]*Casebook{"as it is": c, "opened again": reopen(t, path)} {
		slices.Reverse(model.submissions)
		slices.Reverse(model.records)
		if diff := cmp.Diff(model.submissions, allSubmissions(t, c)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		if diff := cmp.Diff(model.records, allRecords(t, c)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		slices.Reverse(model.submissions)
		slices.Reverse(model.records)
	}
	mustHold(t, c)
}

func (d *desk) addSubmission(t *rapid.T, c *Casebook) {
	text := rapid.StringN(-1, -1, maxWord)
	s := Submission{
		ID:    rapid.StringMatching(`[a-c]{4}`).Draw(t, "id"), // few, so that they meet
		Vault: text.Draw(t, "vault"), Channel: text.Draw(t, "channel"), Language: text.Draw(t, "language"),
		Message: rapid.String().Draw(t, "message"), Doubtful: rapid.SampledFrom([]string{"", "why"}).Draw(t, "doubtful"),
		Day:   time.Unix(rapid.Int64Range(0, 1<<35).Draw(t, "day"), 0).UTC().Format(time.DateOnly),
		Items: []Item{},
	}
	for n := range rapid.IntRange(0, 3).Draw(t, "items") {
		s.Items = append(s.Items, Item{
			N: n + 1, Name: rapid.String().Draw(t, "name"), Type: text.Draw(t, "type"),
			Size: rapid.Int64Min(0).Draw(t, "size"), SHA256: digest(rapid.IntRange(0, 99).Draw(t, "digest"), n),
		})
	}
	at := slices.IndexFunc(d.submissions, func(o Submission) bool { return o.ID == s.ID })
	added, err := c.AddSubmission(context.Background(), s)
	switch {
	case at < 0:
		d.submissions = append(d.submissions, s)
		if !added || err != nil {
			t.Fatalf("a new one: %v, %v", added, err)
		}
	case cmp.Equal(d.submissions[at], s):
		if added || err != nil {
			t.Fatalf("the same: %v, %v", added, err)
		}
	case added || !errors.Is(err, ErrConflict):
		t.Fatalf("another: %v, %v", added, err)
	}
}

func (d *desk) addRecord(t *rapid.T, c *Casebook) {
	fields := []Field{}
	for range rapid.IntRange(0, 3).Draw(t, "fields") {
		fields = append(fields, Field{rapid.StringMatching(`[a-zéÀ«]{1,9}`).Draw(t, "key"), rapid.String().Draw(t, "value")})
	}
	r, err := c.AddRecord(context.Background(), rapid.StringMatching(`[a-z 'É🎥]{0,20}x`).Draw(t, "title"), fields)
	if err != nil {
		t.Fatal(err)
	}
	d.records = append(d.records, r)
}

func (d *desk) attach(t *rapid.T, c *Casebook) {
	if len(d.submissions) == 0 || len(d.records) == 0 {
		return
	}
	s := rapid.SampledFrom(d.submissions).Draw(t, "submission")
	r := &d.records[rapid.IntRange(0, len(d.records)-1).Draw(t, "record")]
	item := rapid.IntRange(0, 3).Draw(t, "item")
	x, err := c.Attach(context.Background(), r.ID, s.ID, item)
	switch {
	case item < 1 || item > len(s.Items):
		if !errors.Is(err, ErrNotFound) {
			t.Fatalf("no such item: %v", err)
		}
	case err != nil:
		t.Fatal(err)
	case x.Number <= len(r.Exhibits):
		if !cmp.Equal(r.Exhibits[x.Number-1], x) {
			t.Fatalf("number %d was given twice", x.Number)
		}
	case x.Number != len(r.Exhibits)+1 || x.SHA256 != s.Items[item-1].SHA256:
		t.Fatalf("got %+v", x)
	default:
		r.Exhibits = append(r.Exhibits, x)
	}
}

// A projection that went wrong is mended by Rebuild.
func TestRebuildMends(t *testing.T) {
	c, _ := fresh(t)
	mustAdd(t, c, sample(1))
	r := mustRecord(t, c, "Titre")
	mustAttach(t, c, r.ID, sample(1).ID, 1)
	want := dump(t, c)
	if _, err := c.db.Exec("DELETE FROM exhibit; UPDATE submission SET message = ''; DELETE FROM search"); err != nil {
		t.Fatal(err)
	}
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, dump(t, c)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What this program does not understand stops it, and changes nothing.
func TestRebuildRefusesTheUnknown(t *testing.T) {
	for name, test := range map[string]struct{ kind, body string }{
		"a kind":     {"record.remove", "{}"},
		"a field":    {recordAdd, `{"id":"a","title":"t","fields":[],"secret":1}`},
		"a type":     {recordAdd, `{"id":1}`},
		"no object":  {recordAdd, `[]`},
		"no record":  {recordAttach, `{"record":"nosuch","number":1}`},
		"seen twice": {submissionImport, `{"id":"sub00001x"}`},
	} {
		path := filepath.Join(t.TempDir(), "casebook")
		c, err := Create(t.Context(), path, testKey, author)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		mustAdd(t, c, sample(1))
		before := dump(t, c)
		if _, err := c.db.Exec("INSERT INTO journal VALUES (2, '9', 0, 'a', ?, ?)", test.kind, test.body); err != nil {
			t.Fatal(err)
		}
		err = c.Rebuild(t.Context())
		if err == nil || !strings.Contains(err.Error(), "journal entry 2") {
			t.Errorf("%s: %v", name, err)
		}
		t.Log(err)
		if diff := cmp.Diff(before, dump(t, c)); diff != "" {
			t.Errorf("%s: it was changed:\n%s", name, diff)
		}
	}
}

func TestStampNeverGoesBack(t *testing.T) {
	at := func(s string) time.Time {
		when, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	var s stamp
	for _, test := range []struct {
		now  string
		want stamp
	}{
		{"2026-11-21T10:00:00.1234Z", stamp{"2026-11-21T10:00:00.123Z", 0}},
		{"2026-11-21T10:00:00.1239Z", stamp{"2026-11-21T10:00:00.123Z", 1}},
		{"1970-01-01T00:00:00Z", stamp{"2026-11-21T10:00:00.123Z", 2}},
		{"2026-11-21T11:00:00.124+01:00", stamp{"2026-11-21T10:00:00.124Z", 0}},
	} {
		if s = s.next(at(test.now)); s != test.want {
			t.Errorf("at %s: %v, want %v", test.now, s, test.want)
		}
	}
}

// Entries of another desk, ahead of this clock, push it forward.
func TestStampFollowsTheJournal(t *testing.T) {
	c, _ := fresh(t)
	mustAdd(t, c, sample(1))
	const ahead = "2999-01-01T00:00:00.000Z"
	err := c.write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO journal VALUES (2, ?, 7, 'other', 'record.add', '{\"id\":\"other\",\"title\":\"t\"}')", ahead)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, c, sample(2))
	var got stamp
	if err := c.db.QueryRow("SELECT time, tick FROM journal WHERE seq = 3").Scan(&got.time, &got.tick); err != nil || got != (stamp{ahead, 8}) {
		t.Errorf("got %v, %v", got, err)
	}
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	if child := os.Getenv("CASEBOOK_TEST_CHILD"); child != "" {
		os.Exit(beChild(child, os.Args[len(os.Args)-1]))
	}
	os.Exit(m.Run())
}
