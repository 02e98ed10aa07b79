package casebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The export is what another program would read: it is decoded here without
// this package's types.
func TestExport(t *testing.T) {
	c, _ := fresh(t)
	hostile := sample(1)
	hostile.Message = "deux\nlignes <&> \x00 \u2028 🎥 \"\\"
	mustAdd(t, c, hostile)
	r := mustRecord(t, c, "Titre", Field{"Ville", "Nice"})
	mustAttach(t, c, r.ID, hostile.ID, 2)
	const n = 3 * pageRows
	for i := range n {
		mustAdd(t, c, sample(i+2))
	}
	var out bytes.Buffer
	if err := c.Export(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for line := range bytes.Lines(out.Bytes()) {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if when, err := time.Parse(time.RFC3339Nano, e["time"].(string)); err != nil || time.Since(when).Abs() > time.Hour {
			t.Errorf("time %v, %v", e["time"], err)
		}
		if e["seq"] != float64(len(lines)+1) || e["author"] != author || len(e) != 6 {
			t.Errorf("line %d: %v", len(lines)+1, e)
		}
		lines = append(lines, e)
	}
	if len(lines) != n+3 {
		t.Fatalf("%d lines", len(lines))
	}
	type object = map[string]any
	want := []object{
		{
			"id": hostile.ID, "vault": "vault-1", "channel": "nice", "day": "2026-11-21", "language": "fr", "message": hostile.Message,
			"items": []any{
				object{"n": 1., "name": "../../état civil «№1».pdf", "size": 12., "type": "application/pdf", "sha256": digest(1, 1)},
				object{"n": 2., "name": "photo.jpg", "size": float64(1 << 31), "type": "image/jpeg", "sha256": digest(1, 2)},
			},
		},
		{"id": r.ID, "title": "Titre", "fields": []any{object{"key": "Ville", "value": "Nice"}}},
		{
			"record": r.ID, "number": 1., "submission": hostile.ID, "item": 2., "name": "photo.jpg",
			"size": float64(1 << 31), "type": "image/jpeg", "sha256": digest(1, 2),
		},
	}
	for i, kind := range []string{"submission.import", "record.add", "record.attach"} {
		if diff := cmp.Diff(want[i], lines[i]["body"]); diff != "" || lines[i]["kind"] != kind {
			t.Errorf("line %d, %v: -want +got:\n%s", i+1, lines[i]["kind"], diff)
		}
	}
	mustKeepBodies(t, c, out.Bytes())
}

// mustKeepBodies checks that a body is exported byte for byte, as a signature
// over it will need.
func mustKeepBodies(t *testing.T, c *Casebook, export []byte) {
	t.Helper()
	rows, err := c.db.Query("SELECT body FROM journal ORDER BY seq")
	bodies, err := scanAll(rows, err, func(s *string) []any { return []any{s} })
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(bytes.Lines(export))
	for i, body := range bodies {
		if !bytes.Contains(lines[i], []byte(`"body":`+body+"}\n")) {
			t.Errorf("body %d differs: %s in %s", i+1, body, lines[i])
		}
	}
}

func TestExportOfNothing(t *testing.T) {
	c, _ := fresh(t)
	var out bytes.Buffer
	if err := c.Export(t.Context(), &out); err != nil || out.Len() != 0 {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// brokenPipe takes one write.
type brokenPipe struct{ written int }

var errPipe = errors.New("broken pipe")

func (p *brokenPipe) Write(b []byte) (int, error) {
	if p.written++; p.written > 1 {
		return 0, errPipe
	}
	return len(b), nil
}

func TestExportToABrokenPipe(t *testing.T) {
	c, _ := fresh(t)
	mustAdd(t, c, sample(1))
	mustAdd(t, c, sample(2))
	if err := c.Export(t.Context(), new(brokenPipe)); !errors.Is(err, errPipe) {
		t.Errorf("got %v", err)
	}
}
