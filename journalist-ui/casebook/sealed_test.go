package casebook

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"lukechampine.com/adiantum"
)

// A marker stands for what must not be readable on the disk.
const marker = "Zqxjkv7canary"

func marked(n int) Submission {
	s := sample(n)
	s.Vault, s.Channel, s.Language, s.Doubtful = marker+"vault", marker+"channel", marker, marker+"doubt"
	s.Message = strings.Repeat(marker+" message ", 100)
	s.Items[0].Name, s.Items[1].Type = marker+".pdf", marker+"/type"
	return s
}

// mustBeSealed looks for plaintext and for the key in each file of the folders.
func mustBeSealed(t *testing.T, folders ...string) (bytesRead int) {
	t.Helper()
	for _, folder := range folders {
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(filepath.Join(folder, file.Name()))
			if err != nil {
				t.Fatal(err)
			}
			bytesRead += len(content)
			for _, secret := range []string{
				marker, marker[1:9], "SQLite format", "CREATE TABLE", author, "2026-", "submission",
				string(testKey[:]), hex.EncodeToString(testKey[:]), strings.ToUpper(hex.EncodeToString(testKey[:])),
			} {
				if bytes.Contains(content, []byte(secret)) {
					t.Errorf("%s contains %q", file.Name(), secret)
				}
			}
		}
	}
	return bytesRead
}

func TestNothingIsPlainOnDisk(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("SQLITE_TMPDIR", temp)
	c, path := fresh(t)
	folder := filepath.Dir(path)
	mustBeSealed(t, folder, temp)
	r := mustRecord(t, c, marker+" titre", Field{marker, marker + " value"})
	err := c.write(t.Context(), func(tx *sql.Tx) error {
		// Far more than fits in SQLite's cache, so that it is spilled.
		for n := range 1000 {
			if err := c.enter(t.Context(), tx, submissionImport, marked(n)); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("UPDATE item SET name = name || 'x'; UPDATE submission SET message = message || 'x'"); err != nil {
			return err
		}
		info, err := os.Stat(journalName(path))
		if err != nil || info.Size() < 4*cipherBlock {
			t.Errorf("nothing spilled: %v, %v", info, err)
		}
		mustBeSealed(t, folder, temp)
		mustHaveNoHiddenFiles(t, path)
		return errors.New("undo")
	})
	if err == nil || err.Error() != "undo" {
		t.Fatal(err)
	}
	for n := range 20 {
		mustAdd(t, c, marked(n))
		mustAttach(t, c, r.ID, marked(n).ID, 1)
		mustBeSealed(t, folder, temp)
	}
	// What sorts, and what makes tables anew, is what temporary files are for.
	if _, err := c.Search(t.Context(), marker, 1000); err != nil {
		t.Fatal(err)
	}
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.db.Exec("VACUUM"); err != nil {
		t.Fatal(err)
	}
	if n := mustBeSealed(t, folder, temp); n < 20*100*len(marker) {
		t.Errorf("only %d bytes were searched", n)
	}
	if files, _ := os.ReadDir(folder); len(files) != 2 {
		t.Errorf("files: %v", files)
	}
	if files, _ := os.ReadDir(temp); len(files) != 0 {
		t.Errorf("temporary files: %v", files)
	}
}

// mustHaveNoHiddenFiles checks that this process has no file open, named or
// unlinked, but the casebook's own: SQLite's temporary files have no name.
func mustHaveNoHiddenFiles(t *testing.T, path string) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here")
	}
	for _, fd := range fds {
		name, _ := os.Readlink("/proc/self/fd/" + fd.Name())
		if strings.Contains(name, "deleted") || strings.HasPrefix(name, filepath.Dir(path)) &&
			name != path && name != journalName(path) {
			t.Errorf("an open file: %s", name)
		}
	}
}

// decrypted returns the file's pages as FORMAT.md says to decrypt them, and
// checks that each has the checksum that FORMAT.md describes.
func decrypted(t *testing.T, path string) (plain []byte) {
	t.Helper()
	sealed, err := os.ReadFile(path)
	if err != nil || len(sealed)%4096 != 0 {
		t.Fatalf("%d bytes, %v", len(sealed), err)
	}
	for offset := 0; offset < len(sealed); offset += 4096 {
		tweak := binary.LittleEndian.AppendUint64(nil, uint64(offset))
		page := adiantum.New(testKey[:]).Decrypt(sealed[offset:offset+4096], tweak)
		var s1, s2 uint32
		for i := 0; i < 4088; i += 8 {
			s1 += binary.LittleEndian.Uint32(page[i:]) + s2
			s2 += binary.LittleEndian.Uint32(page[i+4:]) + s1
		}
		if binary.LittleEndian.Uint32(page[4088:]) != s1 || binary.LittleEndian.Uint32(page[4092:]) != s2 {
			t.Errorf("page %d has a wrong checksum", offset/4096+1)
		}
		plain = append(plain, page...)
	}
	return plain
}

// The file is an ordinary SQLite database once its blocks are decrypted, with
// nothing but what FORMAT.md says.
func TestFormatIsAsDescribed(t *testing.T) {
	c, path := fresh(t)
	mustAdd(t, c, marked(1))
	plain := decrypted(t, path)
	name := filepath.Join(t.TempDir(), "plain.db")
	os.WriteFile(name, plain, 0o600)
	db, err := sql.Open("sqlite3", name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var body, message string
	if err := db.QueryRow("SELECT body, body ->> 'message' FROM journal WHERE kind = 'submission.import'").Scan(&body, &message); err != nil {
		t.Fatal(err)
	}
	if message != marked(1).Message {
		t.Errorf("got %.80q", body)
	}
}

// A change much larger than SQLite's cache is written and read back before it
// is committed, page by page, in no order: all of them must still be whole.
func TestChangesLargerThanTheCache(t *testing.T) {
	for _, pages := range []int{1, 5, 10, 40} {
		c, path := fresh(t)
		c.db.SetMaxOpenConns(1)
		if _, err := c.db.Exec(fmt.Sprint("PRAGMA cache_size = ", pages)); err != nil {
			t.Fatal(err)
		}
		err := c.write(t.Context(), func(tx *sql.Tx) error {
			for n := range 60 {
				if err := c.enter(t.Context(), tx, submissionImport, sample(n)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("cache of %d pages: %v", pages, err)
		}
		if err := c.Rebuild(t.Context()); err != nil {
			t.Errorf("cache of %d pages: %v", pages, err)
		}
		decrypted(t, path)
	}
}

// contents is all that can be read from a casebook, or the first error.
func contents(t *testing.T, path string) (all []any, err error) {
	c, err := Open(t.Context(), path, testKey, author)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for s, err := range c.Submissions(t.Context(), "") {
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	for r, err := range c.Records(t.Context(), "") {
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	for _, word := range []string{marker, "titre", "préfecture"} {
		hits, err := c.Search(t.Context(), word, 1000)
		if err != nil {
			return nil, err
		}
		all = append(all, hits)
	}
	var journal bytes.Buffer
	if err := c.Export(t.Context(), &journal); err != nil {
		return nil, err
	}
	return append(all, journal.String()), c.Rebuild(t.Context())
}

// Whatever is done to the file, it is read as it was or not at all.
func TestDamage(t *testing.T) {
	c, path := fresh(t)
	r := mustRecord(t, c, "titre", Field{"k", marker})
	for n := range 6 {
		mustAdd(t, c, marked(n))
		mustAttach(t, c, r.ID, marked(n).ID, 1)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := contents(t, path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := len(sound) / cipherBlock
	seen := map[string]int{}
	try := func(what string, file, journal []byte) {
		copied := filepath.Join(t.TempDir(), "casebook")
		os.WriteFile(copied, file, 0o600)
		os.WriteFile(journalName(copied), journal, 0o600)
		got, err := contents(t, copied)
		switch {
		case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrKey) && !errors.Is(err, errUnfinished):
			t.Errorf("%s: %v", what, err)
		case err == nil && !cmp.Equal(want, got):
			t.Errorf("%s: damage was shown as if it were whole", what)
		}
		kind, _, _ := strings.Cut(what, " ")
		seen[fmt.Sprint(kind, ", noticed: ", err != nil)]++
	}
	for block := 0; block < blocks; block++ {
		flipped := bytes.Clone(sound)
		flipped[block*cipherBlock+(block*37)%cipherBlock] ^= 1 << (block % 8)
		try(fmt.Sprint("flipped ", block), flipped, nil)
	}
	for i := range 10 {
		moved := bytes.Clone(sound)
		from, to := (i*31)%blocks, (i*17+5)%blocks
		copy(moved[to*cipherBlock:(to+1)*cipherBlock], sound[from*cipherBlock:])
		try(fmt.Sprint("moved ", from, " to ", to), moved, nil)
		size := i * len(sound) / 10
		try(fmt.Sprint("truncated to ", size), sound[:size], nil)
		try(fmt.Sprint("truncated to ", size, " blocks"), sound[:size/cipherBlock*cipherBlock], nil)
		try(fmt.Sprint("zeroed from ", size), append(bytes.Clone(sound[:size]), make([]byte, len(sound)-size)...), nil)
		try(fmt.Sprint("journal of noise ", i), sound, bytes.Repeat([]byte{byte(i), 0xd9}, 600*i))
		try(fmt.Sprint("journal of blocks ", i), sound, sound[:min(len(sound), i*cipherBlock)])
	}
	try("longer by noise", append(bytes.Clone(sound), bytes.Repeat([]byte{7}, 5000)...), nil)
	t.Logf("%d blocks: %v", blocks, seen)
}
