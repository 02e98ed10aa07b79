package witness

import (
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"sourdine/vault/translog"
)

// forked is a server that went another way after the given leaf.
func forked(s *server, at int64) *server {
	f := s.fork()
	f.leaves, f.hashes = nil, nil
	for _, raw := range s.leaves[:at] {
		f.addRaw(raw)
	}
	for range 4 {
		f.submit(nice, later)
	}
	return f
}

func wantEvidence(t *testing.T, b *Book, theirs []byte) {
	t.Helper()
	all, err := b.Contradictions()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(all, func(c Contradiction) bool { return c.Theirs == string(theirs) }) {
		t.Errorf("no evidence among %d", len(all))
	}
	found, err := b.Audit(t.Context(), Holdings{})
	if err != nil || !slices.Contains(kinds(found), Fork) {
		t.Errorf("the audit does not tell: %v %v", found, err)
	}
}

// The same desk is shown another log: of fewer, as many or more leaves.
func TestForkShownToOneDesk(t *testing.T) {
	s, b := seen(t)
	s.mustTell(b)
	known := b.Size()
	for _, at := range []int64{1, known - 1, known - 2, known - 4} {
		f := forked(s, at)
		if f.size() <= known {
			contradicted(t, b, f, at)
			continue
		}
		v, err := b.Begin(f.checkpoint())
		if err != nil {
			t.Fatal(err)
		}
		proof, err := translog.Consistency(known, f.size(), f)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Consistency(proof); kindOf(err) != NotConsistent {
			t.Errorf("consistency: %v", err)
		}
		if err := v.Leaves(f.lines(known, f.size()), known); kindOf(err) != RootDiffers {
			t.Errorf("leaves since: %v", err)
		}
		// Who is shown both sides has the proof.
		err = v.Leaves(f.lines(0, f.size()), 0)
		if kindOf(err) != Fork || !errors.Is(err, ErrFork) {
			t.Errorf("all leaves: %v", err)
		}
		var refused *Refused
		if errors.As(err, &refused) && refused.Finding.Leaf != at {
			t.Errorf("differs from leaf %d on, said %d", at, refused.Finding.Leaf)
		}
		v.Drop()
		wantEvidence(t, b, f.checkpoint())
	}
}

// contradicted shows a book a log whose checkpoint alone contradicts it: whatever
// comes after it, the visit ends with a fork, and with the evidence.
func contradicted(t *testing.T, b *Book, f *server, at int64) {
	t.Helper()
	for what, rest := range map[string]func(v *Visit) error{
		"all leaves":      func(v *Visit) error { return v.Leaves(f.lines(0, f.size()), 0) },
		"too few":         func(v *Visit) error { return v.Leaves(f.lines(0, 1), 0) },
		"none of them":    func(v *Visit) error { return v.Leaves(f.lines(0, 0), f.size()) },
		"a gap":           func(v *Visit) error { return v.Leaves(f.lines(0, 0), b.Size()+1) },
		"no leaves":       func(v *Visit) error { _, err := v.Commit(); return err },
		"proofs only":     func(v *Visit) error { _, err := v.Inclusion(f.proofs(), nil); return err },
		"a roster only":   func(v *Visit) error { return v.Roster([]byte("{}")) },
		"nothing":         func(v *Visit) error { return v.Drop() },
		"a broken parcel": func(v *Visit) error { _ = v.Leaves(iotest.ErrReader(io.ErrUnexpectedEOF), 0); return v.Drop() },
		"a broken one too": func(v *Visit) error {
			_ = v.Leaves(io.MultiReader(f.lines(0, at+1), iotest.ErrReader(io.ErrNoProgress)), 0)
			return v.Drop()
		},
	} {
		v, err := b.Begin(f.checkpoint())
		if err != nil {
			t.Fatal(err)
		}
		if err := rest(v); kindOf(err) != Fork || !errors.Is(err, ErrFork) {
			t.Errorf("at %d, %s: %v", at, what, err)
		}
		if _, err := v.Commit(); err == nil {
			t.Errorf("at %d, %s: committed", at, what)
		}
		if err := v.Drop(); err != nil && kindOf(err) != Fork {
			t.Error(err)
		}
		wantEvidence(t, b, f.checkpoint())
	}
}

// Two desks are shown two logs, and compare: before and after one has seen as
// much as the other, from both sides.
func TestForkShownToTwoDesks(t *testing.T) {
	s, a := seen(t)
	f := forked(s, a.Size()-3)
	b := newBook(t, f)
	s.mustTell(a)
	f.mustTell(b)
	if b.Size() >= a.Size() {
		t.Fatal(a.Size(), b.Size())
	}
	if err := a.Compare(b.Checkpoint()); !errors.Is(err, ErrFork) {
		t.Fatalf("the one that has seen more: %v", err)
	}
	wantEvidence(t, a, b.Checkpoint())
	if err := b.Compare(a.Checkpoint()); !errors.Is(err, ErrNotYet) {
		t.Fatalf("the one that has seen less: %v", err)
	}
	f.submit(nice, later)
	wantKinds(t, f.mustTell(b).Findings) // still less
	b = openBook(t, b.fs.(disk).folder, f)
	for range 3 {
		f.submit(nice, later)
	}
	wantKinds(t, f.mustTell(b).Findings, Fork)
	wantEvidence(t, b, a.Checkpoint())
	if err := b.Compare(a.Checkpoint()); !errors.Is(err, ErrFork) {
		t.Errorf("now that it has seen more: %v", err)
	}
}

// Desks that were shown the same log agree, in both orders of time.
func TestCompareAgrees(t *testing.T) {
	s, a := seen(t)
	b := newBook(t, s)
	s.mustTell(b)
	if err := b.Compare(a.Checkpoint()); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := a.Compare(b.Checkpoint()); !errors.Is(err, ErrNotYet) {
			t.Error(err)
		}
	}
	if peers, err := a.peers(); err != nil || len(peers) != 1 {
		t.Fatal(peers, err)
	}
	wantKinds(t, s.mustTell(a).Findings)
	if peers, err := a.peers(); err != nil || len(peers) != 0 {
		t.Fatal(peers, err)
	}
	if err := a.Compare(b.Checkpoint()); err != nil {
		t.Error(err)
	}
	if err := a.Compare(newServer(t).channels().checkpoint()); kindOf(err) != Signature {
		t.Error(err)
	}
	empty := newBook(t, s)
	if err := empty.Compare(a.Checkpoint()); !errors.Is(err, ErrNotYet) {
		t.Error(err)
	}
	wantKinds(t, s.mustTell(empty).Findings)
}
