package witness

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"
	"testing/iotest"

	"sourdine/vault/translog"
)

const restoredOn = "2026-02-01"

// restore is the server after it went on from a backup of its first leaves.
func (s *server) restore(at int64) (f *server, sum string) {
	s.tb.Helper()
	f = s.fork()
	f.leaves, f.hashes = nil, nil
	for _, raw := range s.leaves[:at] {
		f.addRaw(raw)
	}
	maps.DeleteFunc(f.numbers, func(_ string, number int64) bool { return number >= at })
	f.add(translog.Restored{Day: restoredOn, Size: at, Mark: digest(rand.Text())})
	return f, sumOf(f.leaves[at])
}

// show brings a book a server's whole log from a leaf on, as a parcel does.
func (s *server) show(b *Book, since int64) (Change, error) {
	v, err := b.Begin(s.checkpoint())
	if err != nil {
		return Change{}, err
	}
	defer v.Drop()
	if err := v.Leaves(s.lines(since, s.size()), since); err != nil {
		return Change{}, err
	}
	for _, raw := range s.files {
		if err := v.Roster(raw); err != nil && kindOf(err) != FileUnnamed {
			return Change{}, err
		}
	}
	for _, raw := range s.orders {
		if err := v.Order(raw); err != nil && kindOf(err) != FileUnnamed {
			return Change{}, err
		}
	}
	return v.Commit()
}

// accept accepts the one restoration that waits, which must be this one.
func accept(t *testing.T, b *Book, sum string) Restoration {
	t.Helper()
	all, err := b.Restorations()
	if err != nil || len(all) != 1 || all[0].Sum != sum || all[0].Accepted {
		t.Fatalf("waiting: %+v, %v", all, err)
	}
	if err := b.AcceptRestored(sum); err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func events(t *testing.T, b *Book, kind EventKind) []Event {
	t.Helper()
	all, err := b.Events(0)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e Event) bool { return e.Kind != kind })
}

func audit(t *testing.T, b *Book, h Holdings) []Finding {
	t.Helper()
	found, err := b.Audit(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A restored server is refused and told, until a person accepts it; then the same
// parcel is taken, and what is gone stays in an older generation. The restored log
// is shorter than the book, as long, and longer; it says that it was restored in
// its last leaf or earlier; the parcel has all of it or only what the server
// believes is new.
func TestRestored(t *testing.T) {
	p := people()
	for _, more := range []int{0, 2, 3, 9} {
		for _, all := range []bool{false, true} {
			t.Run(fmt.Sprint(more, all), func(t *testing.T) {
				s := newServer(t).channels()
				kept := s.submit(nice, sent, p.alice, p.bob)
				back := s.submit(nice, sent, p.alice, p.bob)
				at := s.size()
				lost, never := s.submit(nice, sent, p.alice, p.bob), s.submit(nice, sent)
				s.submit(lyon, sent)
				s.deleteByOrder(back, nice, sent, p.bob)
				b := newBook(t, s)
				s.mustTell(b)
				known := b.Size()
				f, sum := s.restore(at)
				for range more {
					f.submit(nice, later)
				}
				since := int64(0)
				if !all {
					since = at - 2
				}
				for range 2 {
					_, err := f.show(b, since)
					var refused *Refused
					if !errors.As(err, &refused) || errors.Is(err, ErrFork) || errors.Is(err, ErrRollback) {
						t.Fatal(err)
					}
					if want := (Finding{Kind: Restored, Known: known, Given: f.size(), Leaf: at, Day: restoredOn, Sum: sum}); refused.Finding != want {
						t.Fatalf("%+v, want %+v", refused.Finding, want)
					}
					wantKinds(t, audit(t, b, s.all(p.alice)), Restored)
				}
				if b.Size() != known || b.Generation() != 0 || !slices.Equal(b.Checkpoint(), s.sign(known)) {
					t.Fatal("the book took something")
				}
				waits := accept(t, openBook(t, b.fs.(disk).folder, s), sum)
				if waits.Day != restoredOn || waits.Leaf != at || waits.Known != known || waits.Given != f.size() ||
					waits.Gone.Leaves != 4 || len(waits.Gone.Submissions) != 3 || waits.Gone.Deletions != 1 || waits.Gone.Submissions[0] != (Accepted{lost, nice, sent}) {
					t.Errorf("waits %+v", waits)
				}
				if got, err := b.Restorations(); err != nil || len(got) != 1 || !got[0].Accepted {
					t.Errorf("accepted: %+v, %v", got, err)
				}
				wantKinds(t, audit(t, b, s.all(p.alice)))

				change, err := f.show(b, since)
				if err != nil || change.From != at || change.To != f.size() || len(change.Findings) != 0 {
					t.Fatalf("%+v, %v", change, err)
				}
				for _, b := range []*Book{b, openBook(t, b.fs.(disk).folder, s)} {
					if b.Size() != f.size() || b.Generation() != 1 || b.before.Size() != known {
						t.Fatal(b.Size(), b.Generation())
					}
					wantKinds(t, b.Check(f.got(kept)))
					wantKinds(t, b.Check(s.got(lost)), BeforeRestore)
					swapped := s.got(lost)
					slices.Reverse(swapped.Payloads)
					wantKinds(t, b.Check(swapped), BeforeRestore, PayloadsSwapped)
					if _, _, ok := b.Submission(lost); ok {
						t.Error("what is gone is in the log")
					}
					found, err := b.Missing(f.all(p.alice, never))
					if err != nil || len(found) != 1 || found[0] != (Finding{Kind: LostInRestore, ID: never, Leaf: at + 1, Channel: nice, Day: sent}) {
						t.Errorf("missing %+v, %v", found, err)
					}
					wantKinds(t, audit(t, b, f.all(p.alice, never)), LostInRestore)
					if got := events(t, b, ServerRestored); len(got) != 1 || got[0] != (Event{Kind: ServerRestored, Leaf: at, Day: restoredOn, Gone: 4, Back: 1, Generation: 1}) {
						t.Errorf("events %+v", got)
					}
					if got := events(t, b, SubmissionBack); len(got) != 1 || got[0].ID != back || got[0].Name != p.bob.name || got[0].Day != restoredOn {
						t.Errorf("events %+v", got)
					}
					if got, err := b.Restorations(); err != nil || len(got) != 0 {
						t.Errorf("still waiting: %+v, %v", got, err)
					}
				}
				// It goes on as any log.
				f.submit(nice, later)
				wantKinds(t, f.mustTell(b).Findings)
				if again, err := b.Contradictions(); err != nil || len(again) != 1 {
					t.Errorf("evidence %+v, %v", again, err)
				}
				if err := b.AcceptRestored(sum); !errors.Is(err, ErrNoRestoration) {
					t.Errorf("accepted again: %v", err)
				}
			})
		}
	}
}

// A desk that lost nothing needs nobody's word, and is told.
func TestRestoredWithoutLoss(t *testing.T) {
	for _, unseen := range []int{0, 2} {
		s := newServer(t).channels()
		b := newBook(t, s)
		s.mustTell(b)
		for range unseen {
			s.submit(nice, sent)
		}
		f, _ := s.restore(s.size())
		f.submit(nice, later)
		change, err := f.tell(b)
		if err != nil || len(change.Events) != 1 || change.Events[0].Kind != ServerRestored || change.Events[0].Gone != 0 {
			t.Errorf("%+v, %v", change, err)
		}
		wantKinds(t, change.Findings)
		if b.Generation() != 0 {
			t.Error("a generation began")
		}
	}
}

// A log that only says so, and not where it leaves the book, is a fork; so is one
// whose leaves do not tell.
func TestRestoredElsewhere(t *testing.T) {
	other := func(s *server, at int64) *server {
		f := s.fork()
		f.leaves, f.hashes = nil, nil
		for _, raw := range s.leaves[:at] {
			f.addRaw(raw)
		}
		return f
	}
	mark := digest("mark")
	for what, c := range map[string]struct {
		log   func(s *server, at int64) *server
		since func(at int64) int64
		want  Kind
	}{
		"after another leaf": {log: func(s *server, at int64) *server {
			f := other(s, at)
			f.submit(nice, sent)
			f.add(translog.Restored{Day: restoredOn, Size: at + 1, Mark: mark})
			return f
		}},
		"of another number": {log: func(s *server, at int64) *server {
			f := other(s, at)
			f.add(translog.Restored{Day: restoredOn, Size: at - 1, Mark: mark})
			f.submit(nice, sent)
			return f
		}},
		"its leaves begin behind it": {since: func(at int64) int64 { return at + 1 }},
		"its leaves are cut":         {since: func(int64) int64 { return -1 }},
	} {
		s, b := seen(t)
		at := b.Size() - 3
		f, _ := s.restore(at)
		if c.log != nil {
			f = c.log(s, at)
		}
		since := int64(0)
		if c.since != nil {
			since = c.since(at)
		}
		v, err := b.Begin(f.checkpoint())
		if err != nil {
			t.Fatal(err)
		}
		if since < 0 {
			err = v.Leaves(f.lines(0, f.size()-1), 0)
		} else {
			err = v.Leaves(f.lines(since, f.size()), since)
		}
		if kindOf(err) != Fork || !errors.Is(err, ErrFork) {
			t.Errorf("%s: %v", what, err)
		}
		v.Drop()
		wantEvidence(t, b, f.checkpoint())
		if all, err := b.Restorations(); err != nil || len(all) != 0 {
			t.Errorf("%s: waiting %+v, %v", what, all, err)
		}
		if err := b.AcceptRestored(mark); !errors.Is(err, ErrNoRestoration) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The whole parcel tells what a torn one could not; the evidence of both is of one
// thing.
func TestRestoredTornFirst(t *testing.T) {
	s, b := seen(t)
	f, sum := s.restore(b.Size() - 3)
	v, err := b.Begin(f.checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Leaves(io.MultiReader(f.lines(0, 4), iotest.ErrReader(io.ErrUnexpectedEOF)), 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	if err := v.Drop(); !errors.Is(err, ErrFork) {
		t.Fatal(err)
	}
	wantKinds(t, audit(t, b, Holdings{}), Fork)
	if _, err := f.show(b, 0); kindOf(err) != Restored {
		t.Fatal(err)
	}
	wantKinds(t, audit(t, b, Holdings{}), Restored)
	accept(t, b, sum)
	if _, err := f.show(b, 0); err != nil {
		t.Fatal(err)
	}
	wantKinds(t, audit(t, b, Holdings{}))
}

// What was accepted of one restoration says nothing of another: a server that
// makes one up is refused, and so is the next one.
func TestRestoredMarkOfAnother(t *testing.T) {
	s, b := seen(t)
	known := b.Size()
	one, sum := s.restore(known - 3)
	other, otherSum := s.restore(known - 2)
	if _, err := one.show(b, 0); kindOf(err) != Restored {
		t.Fatal(err)
	}
	accept(t, b, sum)
	for range 2 {
		if _, err := other.show(b, 0); kindOf(err) != Restored {
			t.Fatal(err)
		}
	}
	all, err := b.Restorations()
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, r := range all {
		if r.Accepted != (r.Sum == sum) {
			t.Errorf("%+v", r)
		}
	}
	wantKinds(t, audit(t, b, Holdings{}), Restored)
	if _, err := one.show(b, 0); err != nil || b.Generation() != 1 {
		t.Fatal(err)
	}
	// Neither the old log nor the other restoration of it comes back by itself, be
	// it accepted or not.
	if _, err := s.show(b, 0); kindOf(err) != OtherLog {
		t.Errorf("the log that is gone: %v", err)
	}
	if _, err := other.show(b, 0); kindOf(err) != Restored {
		t.Errorf("another restoration of it: %v", err)
	}
	accept(t, b, otherSum)
	if _, err := other.show(b, 0); err != nil || b.Generation() != 2 {
		t.Fatal(err)
	}
	if _, err := one.show(b, 0); kindOf(err) != OldLog {
		t.Errorf("the first, again: %v", err)
	}
	one.submit(nice, later)
	if _, err := one.show(b, 0); kindOf(err) != OtherLog {
		t.Errorf("the first, which went on: %v", err)
	}
	again := openBook(t, b.fs.(disk).folder, s)
	if again.Generation() != 2 || again.before.before.Size() != known {
		t.Error("a generation is missing")
	}
}

// Whoever has the server knows the mark that the admin told of. With it, and a
// smaller size, more would be gone than the admin said.
func TestAcceptedMarkElsewhere(t *testing.T) {
	s, b := seen(t)
	known := b.Size()
	honest, sum := s.restore(known - 2)
	if _, err := honest.show(b, 0); kindOf(err) != Restored {
		t.Fatal(err)
	}
	accept(t, b, sum)
	leaf, err := translog.Decode(honest.leaves[known-2])
	if err != nil {
		t.Fatal(err)
	}
	again := leaf.(translog.Restored)
	again.Size = known - 4
	lying, _ := s.restore(known - 4)
	if lying.leaves[known-4], err = translog.Encode(again); err != nil {
		t.Fatal(err)
	}
	lying.rebuild()
	if _, err := lying.show(b, 0); kindOf(err) != Restored || b.Generation() != 0 {
		t.Errorf("the words of one restoration let another in: %v", err)
	}
	if _, err := honest.show(b, 0); err != nil || b.Generation() != 1 {
		t.Errorf("what was accepted: %v", err)
	}
}
