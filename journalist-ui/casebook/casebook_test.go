package casebook

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

func TestCreateRefuses(t *testing.T) {
	folder := t.TempDir()
	taken := filepath.Join(folder, "taken")
	os.WriteFile(taken, []byte("mine"), 0o600)
	orphan := filepath.Join(folder, "orphan")
	os.WriteFile(journalName(orphan), []byte("of another"), 0o600)

	for _, test := range []struct {
		name, path, author string
		key                [32]byte
	}{
		{"an existing file", taken, author, testKey},
		{"a journal left behind", orphan, author, testKey},
		{"a folder", folder, author, testKey},
		{"a missing folder", filepath.Join(folder, "no", "casebook"), author, testKey},
		{"a zero key", filepath.Join(folder, "a"), author, [32]byte{}},
		{"no author", filepath.Join(folder, "b"), "", testKey},
	} {
		c, err := Create(t.Context(), test.path, test.key, test.author)
		if err == nil {
			c.Close()
			t.Errorf("%s: accepted", test.name)
		}
		t.Logf("%s: %v", test.name, err)
	}
	if b, _ := os.ReadFile(taken); string(b) != "mine" {
		t.Error("the existing file was changed")
	}
	if files, _ := os.ReadDir(folder); len(files) != 2 {
		t.Errorf("files were left behind: %v", files)
	}
}

func TestCreateCancelledLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Create(ctx, filepath.Join(folder, "c"), testKey, author); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if files, _ := os.ReadDir(folder); len(files) != 0 {
		t.Errorf("files were left behind: %v", files)
	}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		os.WriteFile(path, content, 0o600)
		return path
	}
	c, good := fresh(t)
	mustAdd(t, c, sample(1))
	for _, test := range []struct {
		name, path string
		is         error
	}{
		{"missing", filepath.Join(folder, "none"), nil},
		{"a folder", folder, nil},
		{"empty", file("empty", nil), errUnfinished},
		{"short", file("short", []byte("SQLite format 3\x00")), ErrDamaged},
		{"plain text", file("plain", bytes.Repeat([]byte("hello "), 2000)), ErrKey},
		{"noise", file("noise", bytes.Repeat([]byte{0xa5}, 3*cipherBlock)), ErrKey},
	} {
		_, err := Open(t.Context(), test.path, testKey, author)
		if err == nil || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v", test.name, err)
		}
		t.Logf("%s: %v", test.name, err)
	}
	for i := range 32 {
		wrong := testKey
		wrong[i] ^= 0x10
		if i%8 != 0 {
			continue // each wrong key takes the time of the tries
		}
		_, err := Open(t.Context(), good, wrong, author)
		if !errors.Is(err, ErrKey) {
			t.Errorf("wrong key: %v", err)
		}
		if strings.Contains(err.Error(), hex.EncodeToString(wrong[:8])) {
			t.Errorf("the key is in the error: %v", err)
		}
	}
}

func TestOpenRefusesOtherVersions(t *testing.T) {
	for _, test := range []struct{ pragma, want string }{
		{"user_version = 2", "newer program"},
		{"user_version = -1", "unknown"},
		{"application_id = 7", "not a casebook"},
		{"application_id = 0; PRAGMA user_version = 0", "interrupted"},
	} {
		path := filepath.Join(t.TempDir(), "casebook")
		c, err := Create(t.Context(), path, testKey, author)
		if err != nil {
			t.Fatal(err)
		}
		c.db.Exec("PRAGMA " + test.pragma)
		c.Close()
		_, err = Open(t.Context(), path, testKey, author)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.pragma, err)
		}
		t.Log(err)
	}
}

// SQLite takes a name as a URI, and the key as a statement: neither may be
// broken, or cut short, by what a folder is called.
func TestStrangePaths(t *testing.T) {
	for _, name := range []string{"dossier é ?#%41+&vfs=unix", "a'b\"c", "état?vfs=memdb&key=x", "-journal"} {
		path := filepath.Join(t.TempDir(), name)
		c, err := Create(t.Context(), path, testKey, author)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		mustAdd(t, c, sample(1))
		c.Close()
		if got := allSubmissions(t, reopen(t, path)); len(got) != 1 {
			t.Errorf("%q: %d submissions", name, len(got))
		}
		if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 2 {
			t.Errorf("%q: files are %v", name, files)
		}
	}
}

func TestThroughASymbolicLink(t *testing.T) {
	c, path := fresh(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, c, sample(1))
	mustAdd(t, reopen(t, link), sample(2))
	if got := allSubmissions(t, c); len(got) != 2 {
		t.Errorf("%d submissions", len(got))
	}
}

func TestFilesAreTheOwners(t *testing.T) {
	_, path := fresh(t)
	for _, name := range []string{path, journalName(path)} {
		info, err := os.Stat(name)
		if err != nil || info.Mode() != fs.FileMode(0o600) {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestCopiedWithoutItsJournal(t *testing.T) {
	c, path := fresh(t)
	mustAdd(t, c, sample(1))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "copy")
	os.WriteFile(moved, content, 0o600)
	again := reopen(t, moved)
	if _, err := os.Stat(journalName(moved)); err != nil {
		t.Error(err)
	}
	if got := allSubmissions(t, again); len(got) != 1 {
		t.Errorf("%d submissions", len(got))
	}
}

func TestJournalIsOnlyAppended(t *testing.T) {
	c, _ := fresh(t)
	mustAdd(t, c, sample(1))
	mustAdd(t, c, sample(2))
	const values = "(seq, time, tick, author, kind, body) VALUES "
	for _, statement := range []string{
		"UPDATE journal SET body = '{}'",
		"UPDATE OR REPLACE journal SET seq = 1 WHERE seq = 2",
		"DELETE FROM journal",
		"INSERT OR REPLACE INTO journal " + values + "(1, 't', 0, 'a', 'k', '{}')",
		"INSERT INTO journal " + values + "(9, 't', 0, 'a', 'k', '{}')",
		"INSERT INTO journal (time, tick, author, kind, body) SELECT time, tick, 'b', kind, body FROM journal LIMIT 0 OFFSET 1; " +
			"INSERT INTO journal " + values + "(NULL, 't', 0, 'a', 'k', '{}')",
		"REPLACE INTO journal " + values + "(3, (SELECT time FROM journal WHERE seq = 1), (SELECT tick FROM journal WHERE seq = 1), '" + author + "', 'k', '{}')",
		"INSERT INTO journal " + values + "(3, 't', 0, 'a', 'k', 'no json')",
	} {
		if _, err := c.db.Exec(statement); err == nil {
			t.Errorf("accepted: %s", statement)
		} else {
			t.Log(err)
		}
	}
}

func TestCancelledCalls(t *testing.T) {
	c, _ := fresh(t)
	r := mustRecord(t, c, "Titre")
	mustAdd(t, c, sample(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	walkErr := func() (err error) {
		for _, err = range c.Submissions(ctx, "") {
		}
		return err
	}
	_, addErr := c.AddSubmission(ctx, sample(2))
	_, recordErr := c.AddRecord(ctx, "Titre", nil)
	_, attachErr := c.Attach(ctx, r.ID, sample(1).ID, 1)
	_, searchErr := c.Search(ctx, "marché", 5)
	for i, err := range []error{addErr, recordErr, attachErr, searchErr, walkErr(), c.Rebuild(ctx), c.Export(ctx, new(bytes.Buffer))} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if got := allSubmissions(t, c); len(got) != 1 {
		t.Errorf("%d submissions", len(got))
	}
}

// A full disk, as SQLite sees one.
func TestFull(t *testing.T) {
	c, _ := fresh(t)
	c.db.SetMaxOpenConns(1)
	mustAdd(t, c, sample(1))
	if _, err := c.db.Exec("PRAGMA max_page_count = 1"); err != nil { // as many as there are
		t.Fatal(err)
	}
	big := sample(2)
	big.Message = strings.Repeat("x", 1<<20)
	_, err := c.AddSubmission(t.Context(), big)
	if !errors.Is(err, sqlite3.FULL) || !strings.Contains(err.Error(), "is it full?") {
		t.Errorf("got %v", err)
	}
	t.Log(err)
	if _, err := c.db.Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, c, big)
}
