package witness

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"
)

// The machine dies at each change of a creation. What is found is no book, which
// Create finishes, or an empty one.
func TestCrashCreate(t *testing.T) {
	s := newServer(t)
	for left := 0; ; left++ {
		m := newMemory()
		m.left = left
		err := create(m)
		for _, everything := range []bool{false, true} {
			after := m.crash(everything)
			b, openErr := open(after, s.public)
			if errors.Is(openErr, fs.ErrNotExist) {
				if err := create(after); err != nil {
					t.Fatal(err)
				}
				b, openErr = open(after, s.public)
			}
			if openErr != nil || b.Size() != 0 {
				t.Fatalf("died at change %d: %v", left, openErr)
			}
		}
		if err == nil {
			break
		}
	}
}

// The machine dies at each change of an import, with its last write torn or
// not, with what was not synced lost or not. Its log is the one before or the
// one after, all of the new one's files are there, and the import can be done
// again.
func TestCrashImport(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	for range 3 {
		s.submit(nice, sent)
	}
	before := newMemory()
	if err := create(before); err != nil {
		t.Fatal(err)
	}
	b, err := open(before, s.public)
	if err != nil {
		t.Fatal(err)
	}
	s.mustTell(b)
	known := b.Size()
	other := s.fork()
	id := s.submit(nice, sent)
	s.setRoster(nice, later, p.alice, p.bob, p.carol)
	s.deleteByOrder(id, nice, later, p.bob)
	for range 4 {
		other.submit(nice, later)
	}
	fork := other.sign(known + 2)

	outcomes := map[string]int{}
	for left := 0; ; left++ {
		died := false
		for _, tear := range []bool{false, true} {
			m := before.crash(false)
			b, err := open(m, s.public)
			if err != nil {
				t.Fatal(err)
			}
			m.left, m.tear = left, tear
			compared := b.Compare(fork) // peers.jsonl, and evidence at commit
			_, err = s.tell(b)
			died = died || err != nil
			for _, everything := range []bool{false, true} {
				name := fmt.Sprintf("died at change %d, torn %v, all %v", left, tear, everything)
				outcomes[after(t, name, m.crash(everything), s, known, err == nil, errors.Is(compared, ErrNotYet))]++
			}
		}
		if !died {
			break
		}
	}
	t.Log(outcomes)
	if outcomes["old"] == 0 || outcomes["new"] == 0 {
		t.Error("not both were seen")
	}
}

// after looks at a disk after a crash and says which log it has.
func after(t *testing.T, name string, m *memory, s *server, known int64, committed, remembered bool) string {
	t.Helper()
	b, err := open(m, s.public)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	state := "old"
	switch b.Size() {
	case known:
		if committed {
			t.Fatalf("%s: lost what was committed", name)
		}
	case s.size():
		state = "new"
		if !allNamed(b, s) {
			t.Fatalf("%s: files are missing", name)
		}
	default:
		t.Fatalf("%s: %d leaves", name, b.Size())
	}
	s.mustTell(b)
	again, err := open(m.crash(false), s.public)
	if err != nil || again.Size() != s.size() || !allNamed(again, s) {
		t.Fatalf("%s: imported again: %v", name, err)
	}
	if evidence, err := again.Contradictions(); err != nil || remembered && len(evidence) == 0 {
		t.Fatalf("%s: the fork is forgotten: %v", name, err)
	}
	return state
}

// The machine dies at each change while a restoration is accepted and taken in.
// What is found is the log before it or the one after it, with the other one
// as its past; what was accepted stays accepted; and it can be gone on from there.
func TestCrashRestored(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	for range 4 {
		s.submit(nice, sent)
	}
	before := newMemory()
	if err := create(before); err != nil {
		t.Fatal(err)
	}
	b, err := open(before, s.public)
	if err != nil {
		t.Fatal(err)
	}
	s.mustTell(b)
	known := b.Size()
	peer := forked(s, 3)
	for peer.size() <= known { // compared when the restored log begins, which is as long
		peer.submit(nice, later)
	}
	f, sum := s.restore(known - 2)
	f.setRoster(nice, later, p.alice, p.bob, p.carol)
	f.submit(nice, later)
	if err := b.Compare(peer.checkpoint()); !errors.Is(err, ErrNotYet) {
		t.Fatal(err)
	}
	if _, err := f.show(b, 0); kindOf(err) != Restored {
		t.Fatal(err)
	}

	outcomes := map[string]int{}
	for left := 0; ; left++ {
		died := false
		for _, tear := range []bool{false, true} {
			m := before.crash(false)
			b, err := open(m, s.public)
			if err != nil {
				t.Fatal(err)
			}
			m.left, m.tear = left, tear
			accepted := b.AcceptRestored(sum)
			_, err = f.show(b, 0)
			died = died || err != nil
			for _, everything := range []bool{false, true} {
				name := fmt.Sprintf("died at change %d, torn %v, all %v", left, tear, everything)
				outcomes[afterRestored(t, name, m.crash(everything), f, sum, known, accepted == nil, err == nil)]++
			}
		}
		if !died {
			break
		}
	}
	t.Log(outcomes)
	if outcomes["old"] == 0 || outcomes["new"] == 0 {
		t.Error("not both were seen")
	}
}

func afterRestored(t *testing.T, name string, m *memory, f *server, sum string, known int64, accepted, committed bool) string {
	t.Helper()
	b, err := open(m, f.public)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	state := "new"
	switch {
	case b.Generation() == 0 && b.Size() == known && !committed:
		state = "old"
		waits, err := b.Restorations()
		if err != nil || len(waits) != 1 || accepted && !waits[0].Accepted {
			t.Fatalf("%s: waiting %+v, %v", name, waits, err)
		}
		if err := b.AcceptRestored(sum); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := f.show(b, 0); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	case b.Generation() != 1 || b.Size() != f.size():
		t.Fatalf("%s: generation %d, %d leaves, committed %v", name, b.Generation(), b.Size(), committed)
	}
	f.mustTell(b) // files that the other visit did not bring
	again, err := open(m.crash(false), f.public)
	if err != nil || again.Generation() != 1 || again.Size() != f.size() || again.before.Size() != known || !allNamed(again, f) {
		t.Fatalf("%s: then: %v", name, err)
	}
	evidence, err := again.Contradictions()
	if err != nil || !slices.ContainsFunc(evidence, func(c Contradiction) bool { return c.Kind == OtherLog }) {
		t.Fatalf("%s: the other log is forgotten: %v", name, err)
	}
	return state
}

func allNamed(b *Book, s *server) bool {
	for sum, raw := range s.files {
		got, err := read(b.fs, rosterFile(sum), MaxRoster)
		if err != nil || string(got) != string(raw) {
			return false
		}
	}
	for sum, raw := range s.orders {
		got, err := read(b.fs, orderFile(sum), MaxOrder)
		if err != nil || string(got) != string(raw) {
			return false
		}
	}
	return true
}

// A disk that fails once and goes on: the visit fails, the book in memory is as
// it was or as it should be, and the next import repairs what there is.
func TestFailOnce(t *testing.T) {
	s := newServer(t).channels()
	for left := 0; ; left++ {
		m := newMemory()
		if err := create(m); err != nil {
			t.Fatal(err)
		}
		b, err := open(m, s.public)
		if err != nil {
			t.Fatal(err)
		}
		m.left = left
		_, err = s.tell(b)
		m.left = -1
		if b.Size() != 0 && b.Size() != s.size() {
			t.Fatal(b.Size())
		}
		wantKinds(t, s.mustTell(b).Findings)
		if b.Size() != s.size() {
			t.Fatalf("failed at change %d, then: %d leaves", left, b.Size())
		}
		if err == nil {
			break
		}
	}
}

// A disk that fails once while a restored log is taken in, and goes on: importing
// again takes it in, or finds that it was.
func TestFailOnceRestored(t *testing.T) {
	s, first := seen(t)
	known := first.Size()
	f, sum := s.restore(known - 3)
	f.submit(nice, later)
	before := newMemory()
	if err := create(before); err != nil {
		t.Fatal(err)
	}
	b, err := open(before, s.public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.tellUpTo(b, known); err != nil {
		t.Fatal(err)
	}
	if _, err := f.show(b, 0); kindOf(err) != Restored {
		t.Fatal(err)
	}
	if err := b.AcceptRestored(sum); err != nil {
		t.Fatal(err)
	}
	for left := 0; ; left++ {
		m := before.crash(true)
		b, err := open(m, s.public)
		if err != nil {
			t.Fatal(err)
		}
		m.left = left
		_, failed := f.show(b, 0)
		m.left = -1
		if _, err := f.show(b, 0); err != nil || b.Generation() != 1 || b.Size() != f.size() {
			t.Fatalf("failed at change %d, then: %v, %d leaves", left, err, b.Size())
		}
		again, err := open(m.crash(false), s.public)
		if err != nil || again.Size() != f.size() || again.before.Size() != known {
			t.Fatalf("failed at change %d, opened again: %v", left, err)
		}
		if failed == nil {
			break
		}
	}
}
