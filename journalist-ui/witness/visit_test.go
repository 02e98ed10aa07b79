package witness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"sourdine/vault/translog"
)

// seen is a log of which a book knows all but the last three leaves.
func seen(t *testing.T) (*server, *Book) {
	s := newServer(t).channels()
	for range 6 {
		s.submit(nice, sent)
	}
	b := newBook(t, s)
	s.mustTell(b)
	for range 3 {
		s.submit(nice, sent)
	}
	return s, b
}

// A parcel whose leaves are not those that the vault signed is refused, each
// with its own kind, and the book stays what it was.
func TestLeavesRefused(t *testing.T) {
	swap := func(leaves [][]byte, i, j int) { leaves[i], leaves[j] = leaves[j], leaves[i] }
	for name, c := range map[string]struct {
		change func(s *server, known int64) (leaves [][]byte, since int64)
		want   Kind
	}{
		"new leaf changed": {func(s *server, known int64) ([][]byte, int64) {
			leaves := slices.Clone(s.leaves)
			leaves[known] = bytes.Replace(leaves[known], []byte(sent), []byte("2026-01-11"), 1)
			return leaves, known
		}, RootDiffers},
		"new leaves reordered": {func(s *server, known int64) ([][]byte, int64) {
			leaves := slices.Clone(s.leaves)
			swap(leaves, int(known), int(known)+1)
			return leaves, known
		}, RootDiffers},
		"known leaf changed": {func(s *server, known int64) ([][]byte, int64) {
			leaves := slices.Clone(s.leaves)
			leaves[known-1] = bytes.Replace(leaves[known-1], []byte(sent), []byte("2026-01-11"), 1)
			return leaves, known - 2
		}, LeafChanged},
		"known leaves reordered": {func(s *server, known int64) ([][]byte, int64) {
			leaves := slices.Clone(s.leaves)
			swap(leaves, int(known)-1, int(known)-2)
			return leaves, 0
		}, LeavesReordered},
		"inserted": {func(s *server, known int64) ([][]byte, int64) {
			return slices.Insert(slices.Clone(s.leaves), int(known)+1, s.leaves[0]), known
		}, LeavesTooMany},
		"removed": {func(s *server, known int64) ([][]byte, int64) {
			return slices.Delete(slices.Clone(s.leaves), int(known)+1, int(known)+2), known
		}, LeavesTooFew},
		"none": {func(s *server, known int64) ([][]byte, int64) { return nil, known }, LeavesTooFew},
		"gap": {func(s *server, known int64) ([][]byte, int64) {
			return s.leaves, known + 1
		}, Gap},
		"before the first": {func(s *server, known int64) ([][]byte, int64) { return s.leaves, -1 }, Gap},
		"no leaf": {func(s *server, known int64) ([][]byte, int64) {
			leaves := slices.Clone(s.leaves)
			leaves[known] = []byte("{}")
			return leaves, known
		}, LeafUnreadable},
		"blank line": {func(s *server, known int64) ([][]byte, int64) {
			return slices.Insert(slices.Clone(s.leaves), int(known), []byte{}), known
		}, LeafUnreadable},
		"longer than a leaf": {func(s *server, known int64) ([][]byte, int64) {
			leaves := slices.Clone(s.leaves)
			leaves[known] = bytes.Repeat([]byte("x"), translog.MaxLeaf+1)
			return leaves, known
		}, LeafUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := seen(t)
			known := b.Size()
			leaves, since := c.change(s, known)
			v, err := b.Begin(s.checkpoint())
			if err != nil {
				t.Fatal(err)
			}
			defer v.Drop()
			var text bytes.Buffer
			for _, raw := range leaves[min(max(since, 0), int64(len(leaves))):] {
				text.Write(append(slices.Clone(raw), '\n'))
			}
			if err := v.Leaves(&text, since); kindOf(err) != c.want {
				t.Fatalf("%v (%s), want %s", err, kindOf(err), c.want)
			}
			if _, err := v.Commit(); err == nil {
				t.Fatal("committed")
			}
			v.Drop()
			if b.Size() != known {
				t.Fatal("the book took something")
			}
			wantKinds(t, s.mustTell(b).Findings)
		})
	}
}

// A torn last line, and a reader that fails, believe nothing either.
func TestLeavesTorn(t *testing.T) {
	s, b := seen(t)
	v, err := b.Begin(s.checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Drop()
	text, _ := io.ReadAll(s.lines(b.Size(), s.size()))
	if err := v.Leaves(bytes.NewReader(text[:len(text)-1]), b.Size()); kindOf(err) != LeafUnreadable {
		t.Fatal(err)
	}
	broken := errors.New("the stick was pulled out")
	for _, n := range []int{0, 1, len(text) / 2, len(text)} {
		r := io.MultiReader(bytes.NewReader(text[:n]), iotest.ErrReader(broken))
		if err := v.Leaves(r, b.Size()); !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	// The same visit may try again.
	if err := v.Leaves(iotest.OneByteReader(bytes.NewReader(text)), b.Size()); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestBeginRefused(t *testing.T) {
	s, b := seen(t)
	known := b.Size()
	if _, err := b.Begin(newServer(t).channels().checkpoint()); kindOf(err) != Signature {
		t.Error(err)
	}
	if _, err := b.Begin([]byte("nonsense")); kindOf(err) != Signature {
		t.Error(err)
	}
	// An old parcel, or a restored backup: nothing contradicts it.
	for size := range known {
		_, err := b.Begin(s.sign(size))
		if kindOf(err) != Rollback || !errors.Is(err, ErrRollback) || errors.Is(err, ErrFork) {
			t.Fatalf("size %d: %v", size, err)
		}
	}
	all, err := b.Contradictions()
	if err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
	v, err := b.Begin(s.sign(known)) // the same once more
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Begin(s.checkpoint()); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if change, err := v.Commit(); err != nil || change.From != change.To || len(change.Events) != 0 {
		t.Fatal(change, err)
	}
	if _, err := v.Commit(); err == nil {
		t.Error("committed twice")
	}
}

func TestInclusion(t *testing.T) {
	s, b := seen(t)
	ids := []string{}
	for id := range s.subs {
		ids = append(ids, id)
	}
	v, err := b.Begin(s.checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Drop()
	if _, err := v.Inclusion(s.proofs(ids...), ids); err == nil {
		t.Fatal("before the leaves")
	}
	if err := v.Consistency(mustProve(t, s, b.Size())); err != nil {
		t.Fatal(err)
	}
	if err := v.Leaves(s.lines(b.Size(), s.size()), b.Size()); err != nil {
		t.Fatal(err)
	}
	found, err := v.Inclusion(s.proofs(ids...), ids)
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, found)
	if found, err = v.Inclusion(s.proofs(ids[1:]...), ids); err != nil || len(found) != 1 ||
		found[0] != (Finding{Kind: NotIncluded, ID: ids[0]}) {
		t.Errorf("%v %v", found, err)
	}
	proofs, _ := io.ReadAll(s.proofs(ids[:2]...))
	exchanged := strings.Replace(strings.Replace(strings.Replace(string(proofs), ids[0], "x", 1), ids[1], ids[0], 1), "x", ids[1], 1)
	if found, err = v.Inclusion(strings.NewReader(exchanged), ids[:2]); err != nil || len(found) != 2 {
		t.Errorf("another's proof: %v %v", found, err)
	}
	line, _ := io.ReadAll(s.proofs(ids[0]))
	elsewhere := strings.Replace(string(line), fmt.Sprintf(`"index":%d`, s.numbers[ids[0]]), `"index":1`, 1)
	if found, err = v.Inclusion(strings.NewReader(elsewhere), ids[:1]); err != nil || len(found) != 1 {
		t.Errorf("another index: %v %v", found, err)
	}
	stranger := strings.Repeat("a", 26)
	if found, err = v.Inclusion(strings.NewReader(""), []string{stranger, "x"}); err != nil {
		t.Error(err)
	}
	wantKinds(t, found, NotInLog)
	for _, text := range []string{"{}\nnonsense\n", "{}", strings.Repeat("x", maxProofLine+1) + "\n"} {
		if _, err := v.Inclusion(strings.NewReader(text), ids); kindOf(err) != ProofUnreadable {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func mustProve(t *testing.T, s *server, from int64) translog.Proof {
	proof, err := translog.Consistency(from, s.size(), s)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func TestFilesMustBeNamed(t *testing.T) {
	p := people()
	s, b := seen(t)
	id := s.submit(nice, sent)
	s.deleteByOrder(id, nice, later, p.bob)
	v, err := b.Begin(s.checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Drop()
	if err := v.Roster([]byte("{}")); err == nil {
		t.Error("before the leaves")
	}
	if err := v.Leaves(s.lines(b.Size(), s.size()), b.Size()); err != nil {
		t.Fatal(err)
	}
	if err := v.Roster([]byte("{}")); kindOf(err) != FileUnnamed {
		t.Error(err)
	}
	if err := v.Order([]byte("{}\nsignature")); kindOf(err) != FileUnnamed {
		t.Error(err)
	}
	if err := v.Order([]byte("{}")); kindOf(err) != FileUnreadable {
		t.Error(err)
	}
	if err := v.Roster(make([]byte, MaxRoster+1)); kindOf(err) != FileUnreadable {
		t.Error(err)
	}
	for _, raw := range s.orders {
		if err := v.Order(raw); err != nil {
			t.Error(err)
		}
	}
	if _, err := v.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := v.Order(nil); err == nil {
		t.Error("after the end")
	}
}

// A good order is not replaced by one with another signature; a bad one is.
func TestOrderIsMended(t *testing.T) {
	p := people()
	s, b := seen(t)
	id := s.submit(nice, sent)
	s.deleteByOrder(id, nice, later, p.bob)
	var sum string
	for sum = range s.orders {
	}
	good := s.orders[sum]
	line, _, _ := bytes.Cut(good, []byte("\n"))
	bad := append(slices.Clone(line), "\nno signature"...)
	s.orders[sum] = bad
	s.mustTell(b)
	found, err := b.Missing(s.all(p.alice, id))
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, found, OrderSignature)
	for range 2 {
		s.orders[sum] = good
		s.mustTell(b)
		if found, err = b.Missing(s.all(p.alice, id)); err != nil {
			t.Fatal(err)
		}
		wantKinds(t, found)
		s.orders[sum] = bad
		s.mustTell(b)
		if found, err = b.Missing(s.all(p.alice, id)); err != nil {
			t.Fatal(err)
		}
		wantKinds(t, found)
	}
}
