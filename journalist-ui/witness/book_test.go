package witness

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// An honest log gives no finding anywhere, now and after it is opened again.
func TestHonest(t *testing.T) {
	p, s := people(), newServer(t).channels()
	b := newBook(t, s)
	first := s.submit(nice, sent, p.alice, p.bob)
	change := s.mustTell(b)
	wantKinds(t, change.Findings)
	if change.From != 0 || change.To != s.size() || b.Size() != s.size() {
		t.Fatalf("change %d to %d of %d", change.From, change.To, s.size())
	}
	second, third := s.submit(nice, sent, p.alice, p.bob), s.submit(nice, sent, p.alice, p.bob)
	s.submit(lyon, sent, p.carol)
	s.deleteByOrder(second, nice, later, p.bob)
	s.add(translog.Deletion{ID: third, Channel: nice, Day: later, Reason: translog.ByRetention})
	wantKinds(t, s.mustTell(b).Findings)
	again := openBook(t, b.fs.(disk).folder, s)
	for _, b := range []*Book{b, again} {
		wantKinds(t, b.Check(s.got(first)))
		found, err := b.Missing(s.all(p.alice, second, third))
		if err != nil {
			t.Fatal(err)
		}
		wantKinds(t, found)
		found, err = b.Audit(context.Background(), s.all(p.alice, second, third))
		if err != nil {
			t.Fatal(err)
		}
		wantKinds(t, found)
		if leaf, at, ok := b.Submission(second); !ok || leaf.ID != second || at != s.numbers[second] {
			t.Errorf("submission: %v %d %v", leaf, at, ok)
		}
		if d, _, ok := b.Deletion(second); !ok || d.By != p.bob.finger {
			t.Errorf("deletion: %v %v", d, ok)
		}
		if _, _, ok := b.Submission(vault.NewID().String()); ok {
			t.Error("a submission that never was")
		}
		if !bytes.Equal(b.Checkpoint(), s.checkpoint()) {
			t.Error("checkpoint differs")
		}
	}
}

func TestDefaultRetentionIsTheVaults(t *testing.T) {
	if defaultRetention != vault.DefaultRetention {
		t.Fatal(vault.DefaultRetention)
	}
}

func TestCreate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	s := newServer(t)
	if _, err := Open(dir, s.public); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := Create(dir); err != nil {
		t.Fatal(err)
	}
	if err := Create(dir); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	b := openBook(t, dir, s.channels())
	if b.Size() != 0 || b.Checkpoint() != nil {
		t.Fatal(b.Size())
	}
	s.mustTell(b)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if want := map[bool]os.FileMode{true: 0o700, false: 0o600}[e.IsDir()]; err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, "nonsense"); err == nil {
		t.Error("opened for no vault")
	}
	if _, err := Open(dir, newServer(t).public); !errors.Is(err, ErrDamaged) {
		t.Errorf("opened for another vault: %v", err)
	}
}

// Any flipped byte of what counts is found; what lies behind it is not looked at.
func TestDamage(t *testing.T) {
	s := newServer(t).channels()
	b := newBook(t, s)
	s.submit(nice, sent)
	s.mustTell(b)
	dir := b.fs.(disk).folder
	for _, name := range []string{leavesFile(0), headName} {
		path := filepath.Join(dir, name)
		sound, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(sound); at += 1 + len(sound)/300 {
			bad := bytes.Clone(sound)
			bad[at] ^= 1
			write(t, path, bad)
			damaged, err := Open(dir, s.public)
			if err != nil {
				continue
			}
			// The last letter of a signature's base 64 has bits that say nothing.
			if _, err := translog.OpenCheckpoint(damaged.Checkpoint(), s.public); name != headName || err != nil || damaged.Size() != s.size() {
				t.Fatalf("%s: a flipped bit of byte %d was not found", name, at)
			}
			damaged.Close()
		}
		write(t, path, sound[:len(sound)-1])
		if _, err := Open(dir, s.public); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s cut short: %v", name, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, s.public); err == nil || errors.Is(err, fs.ErrNotExist) != (name == headName) {
			t.Errorf("%s removed: %v", name, err)
		}
		write(t, path, sound)
	}
	sound, _ := os.ReadFile(filepath.Join(dir, leavesFile(0)))
	write(t, filepath.Join(dir, leavesFile(0)), append(sound, "what a kill left"...))
	again := openBook(t, dir, s)
	s.submit(nice, sent)
	s.mustTell(again)
	openBook(t, dir, s)
}

// A head whose checkpoint is of another size than what it counts is not believed,
// although the vault signed the one and the leaves are those of the other.
func TestHeadOfTwoMinds(t *testing.T) {
	s := newServer(t).channels()
	b := newBook(t, s)
	s.mustTell(b)
	s.submit(nice, sent)
	h := b.head
	for _, size := range []int64{0, 1, s.size()} {
		h.Checkpoint = string(s.sign(size))
		write(t, b.fs.(disk).at(headName), []byte(mustEncode(h)))
		if _, err := Open(b.fs.(disk).folder, s.public); !errors.Is(err, ErrDamaged) {
			t.Errorf("checkpoint of %d: %v", size, err)
		}
	}
	h.Checkpoint = b.head.Checkpoint
	for _, seen := range [][]sighting{{{0, sent}}, {{1, "x"}}, {{2, sent}, {2, later}}, {{1, later}, {2, sent}}, {{h.Size + 1, sent}}} {
		h.Seen = seen
		if _, err := decodeHead([]byte(mustEncode(h))); !errors.Is(err, ErrDamaged) {
			t.Errorf("seen %v: %v", seen, err)
		}
	}
}

// A book whose file changes under it says so.
func TestAuditRereads(t *testing.T) {
	s := newServer(t).channels()
	b := newBook(t, s)
	s.mustTell(b)
	path := filepath.Join(b.fs.(disk).folder, leavesFile(0))
	raw, _ := os.ReadFile(path)
	write(t, path, bytes.Replace(raw, []byte(`"Nice"`), []byte(`"Nica"`), 1))
	found, err := b.Audit(context.Background(), Holdings{})
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, found, BookDamaged)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Two programs have the book open; what one commits the other sees when it
// begins.
func TestRefresh(t *testing.T) {
	s := newServer(t).channels()
	a := newBook(t, s)
	b := openBook(t, a.fs.(disk).folder, s)
	s.mustTell(a)
	s.submit(nice, sent)
	s.mustTell(a)
	id := s.submit(nice, sent)
	v, err := b.Begin(s.checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	if b.Size() != s.size()-1 {
		t.Fatal(b.Size())
	}
	if err := v.Leaves(s.lines(b.Size(), s.size()), b.Size()); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := b.Submission(id); ok {
		t.Error("shown before it is committed")
	}
	if _, err := v.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := b.Submission(id); !ok {
		t.Error("not shown")
	}
}

// Each kind has words of its own, in the program's voice.
func TestSentences(t *testing.T) {
	seen := map[string]Kind{}
	for _, k := range Kinds() {
		says, hint := k.Sentence()
		if other, twice := seen[says]; twice {
			t.Errorf("%s and %s say the same", k, other)
		}
		seen[says] = k
		for _, text := range []string{says, hint} {
			if len(text) < 10 || strings.HasSuffix(text, ".") || text[:1] != strings.ToLower(text[:1]) {
				t.Errorf("%s: %q", k, text)
			}
		}
		if err := refuse(Finding{Kind: k}); err.Error() != says {
			t.Errorf("%s: error %q", k, err)
		}
	}
	if len(seen) < 55 {
		t.Errorf("only %d kinds have words", len(seen))
	}
	if says, _ := Kind("?").Sentence(); says == "" {
		t.Error("no words for what is unknown")
	}
}
