package witness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sourdine/vault/translog"
)

// Restored, and restored again: from a later backup, an earlier one, or one of
// before the first restoration that has more of what was lost.
func TestRestoredTwice(t *testing.T) {
	begin := func(t *testing.T) (s *server, b *Book, first *server) {
		s, b = seen(t)
		first, sum := s.restore(b.Size() - 3)
		if _, err := first.show(b, 0); kindOf(err) != Restored {
			t.Fatal(err)
		}
		accept(t, b, sum)
		for range 4 {
			first.submit(nice, later)
		}
		if _, err := first.show(b, b.Size()-5); err != nil {
			t.Fatal(err)
		}
		return s, b, first
	}
	for what, c := range map[string]struct {
		second func(s, first *server, known int64) (*server, string)
		gone   int64 // of the generation that ends
		since  func(second *server, known int64) int64
	}{
		"later":           {func(_, first *server, _ int64) (*server, string) { return first.restore(first.size() - 2) }, 2, nil},
		"at once":         {func(_, first *server, known int64) (*server, string) { return first.restore(known - 2) }, 4, nil},
		"the same backup": {func(s, _ *server, known int64) (*server, string) { return s.restore(known - 3) }, 5, nil},
		"an earlier one":  {func(s, _ *server, known int64) (*server, string) { return s.restore(known - 5) }, 7, nil},
		"what was lost":   {func(s, _ *server, known int64) (*server, string) { return s.restore(known - 1) }, 5, nil},
		"all that was lost": {func(s, _ *server, known int64) (*server, string) { return s.restore(known) }, 5,
			func(_ *server, known int64) int64 { return known }},
		"more than was seen of it": {func(s, _ *server, known int64) (*server, string) { return s.restore(known + 2) }, 5,
			func(_ *server, known int64) int64 { return known }},
	} {
		for _, all := range []bool{true, false} {
			if !all && c.since == nil {
				continue
			}
			t.Run(fmt.Sprint(what, all), func(t *testing.T) {
				s, b, first := begin(t)
				known := b.before.Size()
				second, sum := c.second(s, first, known)
				second.submit(nice, later)
				since := int64(0)
				if !all {
					since = c.since(second, known)
				}
				if _, err := second.show(b, since); kindOf(err) != Restored {
					t.Fatal(err)
				}
				accept(t, b, sum)
				if _, err := second.show(b, since); err != nil {
					t.Fatal(err)
				}
				again := openBook(t, b.fs.(disk).folder, s)
				if again.Generation() != 2 || again.Size() != second.size() || again.before.Size() != first.size() || again.before.before.Size() != known {
					t.Fatal(again.Generation(), again.Size())
				}
				got := events(t, again, ServerRestored)
				if at := len(got) - 1; got[at].Gone != c.gone || got[at].Generation != 2 {
					t.Errorf("events %+v", got)
				}
				wantKinds(t, audit(t, again, s.all(people().mallory)))
				second.submit(nice, later)
				wantKinds(t, second.mustTell(again).Findings)
				if _, err := first.show(again, 0); kindOf(err) != OldLog {
					t.Errorf("the first restored log, again: %v", err)
				}
				if _, err := s.tellUpTo(again, known); kindOf(err) != OldLog && kindOf(err) != Rollback {
					t.Errorf("the log before both, again: %v", err)
				}
			})
		}
	}
}

// A first restoration does not matter any more when the server was restored again,
// and the second one is taken in, although both were accepted: the first would take
// what came since.
func TestRestoredTwiceUnseen(t *testing.T) {
	s, b := seen(t)
	first, sum := s.restore(b.Size() - 2)
	if _, err := first.show(b, 0); kindOf(err) != Restored {
		t.Fatal(err)
	}
	second, secondSum := s.restore(b.Size() - 4)
	if _, err := second.show(b, 0); kindOf(err) != Restored {
		t.Fatal(err)
	}
	for range 2 {
		for _, m := range []string{sum, secondSum} {
			if err := b.AcceptRestored(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := second.show(b, 0); err != nil {
		t.Fatal(err)
	}
	if all, err := b.Restorations(); err != nil || len(all) != 0 {
		t.Errorf("waiting %+v, %v", all, err)
	}
	wantKinds(t, audit(t, b, Holdings{}))
	if err := b.AcceptRestored(sum); !errors.Is(err, ErrNoRestoration) {
		t.Error(err)
	}
	for range 2 {
		if _, err := first.show(b, 0); kindOf(err) != Restored {
			t.Errorf("the first one, after all: %v", err)
		}
	}
	accept(t, b, sum)
}

// What was deleted in the leaves that are gone, and is deleted again, is not back.
func TestRestoredAndDeletedAgain(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	id, other := s.submit(nice, sent), s.submit(nice, sent)
	at := s.size()
	s.deleteByOrder(id, nice, sent, p.bob)
	s.deleteByOrder(other, nice, sent, p.mallory) // as nobody may
	gone := s.submit(nice, sent)
	s.deleteByOrder(gone, nice, sent, p.bob)
	b := newBook(t, s)
	s.mustTell(b)
	f, sum := s.restore(at)
	if _, err := f.show(b, 0); kindOf(err) != Restored {
		t.Fatal(err)
	}
	accept(t, b, sum)
	f.deleteByOrder(id, nice, later, p.bob)
	if _, err := f.show(b, 0); err != nil {
		t.Fatal(err)
	}
	if got := events(t, b, SubmissionBack); len(got) != 1 || got[0].ID != other {
		t.Errorf("back: %+v", got)
	}
	// What was deleted as it may be is not lost; what was wrong stays wrong.
	found, err := b.Missing(Holdings{Fingerprint: p.alice.finger})
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, found, Dropped) // other, which is not here
	wantKinds(t, audit(t, b, s.all(p.alice)), OrderNotAllowed)
}

// Two desks, of which one has accepted: neither takes the other for shown a fork.
func TestRestoredCompare(t *testing.T) {
	s, a := seen(t)
	b, ahead := newBook(t, s), newBook(t, s)
	s.mustTell(b) // three leaves more than a
	s.submit(nice, sent)
	s.mustTell(ahead) // and one more
	known := a.Size()
	f, sum := s.restore(known - 3)
	for range 8 {
		f.submit(nice, later)
	}
	for _, one := range []*Book{a, b, ahead} {
		if _, err := f.show(one, 0); kindOf(err) != Restored {
			t.Fatal(err)
		}
	}
	accept(t, a, sum)
	if err := a.Compare(ahead.Checkpoint()); !errors.Is(err, ErrNotYet) {
		t.Errorf("before: %v", err)
	}
	change, err := f.show(a, 0)
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, change.Findings, OtherLog) // ahead's, which may be of what is gone
	if err := b.Compare(a.Checkpoint()); kindOf(err) != Restored {
		t.Errorf("the one that did not accept, of the same log: %v", err)
	}
	f.submit(nice, later)
	f.mustTell(a)
	if err := b.Compare(a.Checkpoint()); !errors.Is(err, ErrNotYet) {
		t.Errorf("the one that did not accept, of more: %v", err)
	}
	if err := a.Compare(s.sign(known)); !errors.Is(err, ErrBeforeRestore) {
		t.Errorf("the one that accepted, of what it knew: %v", err)
	}
	if err := a.Compare(b.Checkpoint()); kindOf(err) != OtherLog || errors.Is(err, ErrFork) {
		t.Errorf("the one that accepted, of more than it knew: %v", err)
	}
	if err := a.Compare(forked(s, 2).sign(4)); !errors.Is(err, ErrFork) {
		t.Errorf("a fork: %v", err)
	}
	wantKinds(t, audit(t, a, Holdings{}), Fork, OtherLog)
	accept(t, b, sum)
	if change, err = f.show(b, 0); err != nil || len(change.Findings) != 0 {
		t.Fatalf("%+v, %v", change, err)
	}
	for _, pair := range [][2]*Book{{a, b}, {b, a}} {
		if err := pair[0].Compare(pair[1].Checkpoint()); err != nil {
			t.Error(err)
		}
	}
}

// Another program accepted, and took it in.
func TestRestoredRefresh(t *testing.T) {
	s, a := seen(t)
	b := openBook(t, a.fs.(disk).folder, s)
	f, sum := s.restore(a.Size() - 3)
	if _, err := f.show(a, 0); kindOf(err) != Restored {
		t.Fatal(err)
	}
	accept(t, b, sum)
	if _, err := f.show(a, 0); err != nil {
		t.Fatal(err)
	}
	f.submit(nice, later)
	wantKinds(t, f.mustTell(b).Findings)
	if b.Generation() != 1 || b.Size() != f.size() {
		t.Error(b.Generation(), b.Size())
	}
}

// Older generations are verified as the last one is.
func TestRestoredDamage(t *testing.T) {
	s, b := seen(t)
	f, sum := s.restore(b.Size() - 3)
	if _, err := f.show(b, 0); kindOf(err) != Restored {
		t.Fatal(err)
	}
	accept(t, b, sum)
	if _, err := f.show(b, 0); err != nil {
		t.Fatal(err)
	}
	folder := b.fs.(disk).folder
	for _, name := range []string{leavesFile(0), leavesFile(1), lastHead(0), headName} {
		path := filepath.Join(folder, name)
		sound, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(sound); at += 1 + len(sound)/150 {
			bad := slices.Clone(sound)
			bad[at] ^= 1
			write(t, path, bad)
			damaged, err := Open(folder, s.public)
			if err != nil {
				continue
			}
			// The last letter of a signature's base 64 has bits that say nothing.
			if _, err := translog.OpenCheckpoint([]byte(damaged.head.Checkpoint), s.public); err != nil || damaged.Size() != f.size() || damaged.before.Size() != b.before.Size() {
				t.Fatalf("%s: a flipped bit of byte %d was not found", name, at)
			}
			damaged.Close()
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(folder, s.public); name != headName && !errors.Is(err, ErrDamaged) {
			t.Errorf("%s removed: %v", name, err)
		}
		write(t, path, sound)
	}
	for name, change := range map[string]func(h *head){
		"no restoration there": func(h *head) { h.Restored++; h.Size++ },
		"more in common":       func(h *head) { h.Common++ },
		"less in common":       func(h *head) { h.Common-- },
		"none before":          func(h *head) { h.Generation = 0 },
		"one between":          func(h *head) { h.Generation = 2 },
	} {
		h := b.head
		change(&h)
		write(t, filepath.Join(folder, headName), []byte(mustEncode(h)))
		if _, err := Open(folder, s.public); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	write(t, filepath.Join(folder, headName), []byte(mustEncode(b.head)))
	write(t, filepath.Join(folder, acceptedName), []byte(sum))
	if _, err := openBook(t, folder, s).Restorations(); !errors.Is(err, ErrDamaged) {
		t.Errorf("%s: %v", acceptedName, err)
	}
}
