package casebook

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const author = "5ca1ab1e"

var testKey = [32]byte{0: 1, 15: 0xfe, 31: 9}

// fresh returns a new casebook, whose invariants are checked after the test.
func fresh(t testing.TB) (c *Casebook, path string) {
	t.Helper()
	path = created(t)
	c, err := Open(t.Context(), path, testKey, author)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer c.Close()
		mustHold(t, c)
	})
	return c, path
}

// created returns the path of a new casebook that is closed.
func created(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "casebook")
	c, err := Create(t.Context(), path, testKey, author)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func reopen(t testing.TB, path string) *Casebook {
	t.Helper()
	c, err := Open(t.Context(), path, testKey, author)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// sample returns a sound submission of two items.
func sample(n int) Submission {
	return Submission{
		ID: fmt.Sprintf("sub%05dx", n), Vault: "vault-1", Channel: "nice", Day: "2026-11-21", Language: "fr",
		Message: fmt.Sprintf("Voici le marché n° %d de vidéosurveillance de la préfecture.", n),
		Items: []Item{
			{N: 1, Name: "../../état civil «№1».pdf", Size: 12, Type: "application/pdf", SHA256: digest(n, 1)},
			{N: 2, Name: "photo.jpg", Size: 1 << 31, Type: "image/jpeg", SHA256: digest(n, 2)},
		},
	}
}

func digest(n, item int) string { return fmt.Sprintf("%064x", n<<8|item) }

func mustAdd(t testing.TB, c *Casebook, s Submission) {
	t.Helper()
	if added, err := c.AddSubmission(context.Background(), s); err != nil || !added {
		t.Fatalf("AddSubmission: %v, %v", added, err)
	}
}

func mustRecord(t testing.TB, c *Casebook, title string, fields ...Field) Record {
	t.Helper()
	r, err := c.AddRecord(context.Background(), title, fields)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustAttach(t testing.TB, c *Casebook, record, submission string, item int) Exhibit {
	t.Helper()
	x, err := c.Attach(context.Background(), record, submission, item)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func allSubmissions(t testing.TB, c *Casebook) (all []Submission) {
	t.Helper()
	for s, err := range c.Submissions(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func allRecords(t testing.TB, c *Casebook) (all []Record) {
	t.Helper()
	for r, err := range c.Records(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// mustHold checks what is true of every casebook: SQLite finds the file sound,
// and the journal replays to the projections that are there.
func mustHold(t testing.TB, c *Casebook) {
	t.Helper()
	ctx := context.Background()
	for _, check := range []string{"PRAGMA integrity_check", "SELECT count(*) || 'ok' FROM pragma_foreign_key_check"} {
		var got string
		if err := c.db.QueryRowContext(ctx, check).Scan(&got); err != nil || strings.TrimPrefix(got, "0") != "ok" {
			t.Errorf("%s: %q, %v", check, got, err)
		}
	}
	if _, err := c.db.ExecContext(ctx, "INSERT INTO search (search) VALUES ('integrity-check')"); err != nil {
		t.Errorf("the search index: %v", err)
	}
	before := dump(t, c)
	if err := c.Rebuild(ctx); err != nil {
		t.Errorf("Rebuild: %v", err)
	}
	if diff := cmp.Diff(before, dump(t, c)); diff != "" {
		t.Errorf("the journal does not replay to what was there (-was +is):\n%s", diff)
	}
}

// dump writes out every row of the projections.
func dump(t testing.TB, c *Casebook) (rows []string) {
	t.Helper()
	for _, q := range []string{
		"SELECT * FROM submission", "SELECT * FROM item", "SELECT * FROM record", "SELECT * FROM field",
		"SELECT * FROM exhibit", "SELECT rowid, * FROM search ORDER BY rowid",
	} {
		err := c.read(context.Background(), func(tx *sql.Tx) error {
			found, err := tx.Query(q)
			if err != nil {
				return err
			}
			defer found.Close()
			columns, _ := found.Columns()
			for found.Next() {
				values := make([]any, len(columns))
				places := make([]any, len(columns))
				for i := range values {
					places[i] = &values[i]
				}
				if err := found.Scan(places...); err != nil {
					return err
				}
				rows = append(rows, fmt.Sprintf("%s: %q", q, values))
			}
			return found.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}
