package witness

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// random makes a log of about n leaves of all kinds.
func random(t testing.TB, r *rand.Rand, n int) *server {
	p := people()
	s := newServer(t).channels()
	all := []person{p.alice, p.bob, p.carol}
	var ids []string
	for len(s.leaves) < n {
		day := noon(sent).AddDate(0, 0, len(s.leaves)/4).Format(time.DateOnly)
		switch r.IntN(8) {
		case 0:
			s.setRoster(nice, day, all[:1+r.IntN(3)]...)
		case 1:
			s.add(translog.Policy{Channel: nice, Day: day, Retention: r.IntN(40), Limit: r.IntN(90)})
		case 2, 3:
			if len(ids) > 0 {
				s.add(translog.Deletion{ID: ids[r.IntN(len(ids))], Channel: nice, Day: day, Reason: translog.ByRetention})
			}
		default:
			ids = append(ids, s.submit(nice, day))
		}
	}
	return s
}

// A log that came in many visits, some of which overlapped, broke off or brought
// nothing, gives the same book as one that came at once.
func TestAnyCutGivesTheSameBook(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			s := random(t, r, 25+r.IntN(30))
			whole, cut := newBook(t, s), newBook(t, s)
			s.mustTell(whole)
			for cut.Size() < s.size() {
				visit(t, r, s, cut)
			}
			s.mustTell(cut) // the files that the last visits left out
			sameBook(t, whole, cut, s)
			sameBook(t, whole, openBook(t, cut.fs.(disk).folder, s), s)
		})
	}
}

func visit(t *testing.T, r *rand.Rand, s *server, b *Book) {
	size := b.Size() + r.Int64N(min(s.size()-b.Size(), 12)+1)
	v, err := b.Begin(s.sign(size))
	if err != nil {
		t.Fatal(err)
	}
	defer v.Drop()
	since := b.Size() - r.Int64N(min(b.Size(), 5)+1)
	if r.IntN(3) == 0 { // breaks off
		text, _ := io.ReadAll(s.lines(since, size))
		_ = v.Leaves(bytes.NewReader(text[:r.IntN(len(text)+1)]), since)
		return
	}
	if err := v.Leaves(s.lines(since, size), since); err != nil {
		t.Fatal(err)
	}
	for _, raw := range s.files {
		if err := v.Roster(raw); err != nil && kindOf(err) != FileUnnamed {
			t.Fatal(err)
		}
	}
	if r.IntN(4) == 0 {
		return // without a commit
	}
	if _, err := v.Commit(); err != nil {
		t.Fatal(err)
	}
}

func sameBook(t *testing.T, a, b *Book, s *server) {
	t.Helper()
	// When it saw what is the one thing that the cuts change.
	x, y := a.head, b.head
	x.Seen, y.Seen = nil, nil
	for name, differ := range map[string]bool{
		"head":        mustEncode(x) != mustEncode(y),
		"last":        a.last != b.last,
		"ends":        !slices.Equal(a.index.ends, b.index.ends),
		"submissions": !reflect.DeepEqual(a.index.submissions, b.index.submissions),
		"deletions":   !reflect.DeepEqual(a.index.deletions, b.index.deletions),
		"twice":       !slices.Equal(a.index.twice, b.index.twice),
		"rosters":     !reflect.DeepEqual(a.index.rosters, b.index.rosters),
		"policies":    !reflect.DeepEqual(a.index.policies, b.index.policies),
		"orders":      !reflect.DeepEqual(a.index.orders, b.index.orders),
		"sums":        !reflect.DeepEqual(a.index.rosterSums, b.index.rosterSums),
		"last day":    a.index.lastDay != b.index.lastDay,
	} {
		if differ {
			t.Errorf("%s differ", name)
		}
	}
	h := Holdings{Fingerprint: people().alice.finger}
	for name, ask := range map[string]func(*Book) any{
		"leaves":  func(b *Book) any { raw, err := read(b.fs, leavesFile(0), 1<<30); return fmt.Sprint(string(raw), err) },
		"events":  func(b *Book) any { e, err := b.Events(0); return fmt.Sprint(e, err) },
		"missing": func(b *Book) any { f, err := b.Missing(h); return fmt.Sprint(f, err) },
		"audit":   func(b *Book) any { f, err := b.Audit(t.Context(), h); return fmt.Sprint(f, err) },
	} {
		if x, y := ask(a), ask(b); x != y {
			t.Errorf("%s differ:\n%v\n%v", name, x, y)
		}
	}
}

func mustEncode(h head) string {
	raw, err := h.encode()
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// What is accepted as a head is written as the same bytes.
func FuzzHead(f *testing.F) {
	s := newServer(f).channels()
	b := newBook(f, s)
	s.mustTell(b)
	f.Add([]byte(mustEncode(b.head)))
	f.Add([]byte(mustEncode(head{})))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := decodeHead(raw)
		if err == nil && mustEncode(h) != string(raw) {
			t.Fatal("another spelling was accepted")
		}
	})
}

// No leaves.jsonl opens but the one that the vault signed, whatever the head
// says of its length; and none makes the reader fail otherwise.
func FuzzLeaves(f *testing.F) {
	s := newServer(f).channels()
	s.submit(nice, sent)
	b := newBook(f, s)
	s.mustTell(b)
	sound, _ := read(b.fs, leavesFile(0), 1<<20)
	h, signed, public, size := b.head, s.checkpoint(), s.public, s.size()
	f.Add(sound, int64(0))
	f.Add(append(bytes.Clone(sound), "{}\n"...), int64(0))
	f.Add(sound[:len(sound)-2], int64(-2))
	f.Fuzz(func(t *testing.T, raw []byte, more int64) {
		m := newMemory()
		if err := create(m); err != nil {
			t.Fatal(err)
		}
		h := h
		h.Bytes += more
		if writeNew(m, leavesFile(0), raw) != nil || replace(m, headName, []byte(mustEncode(h))) != nil {
			t.Fatal("not written")
		}
		b, err := open(m, public)
		if err == nil && (!bytes.HasPrefix(raw, sound) || b.Size() != size || more != 0) {
			t.Fatal("opened another log")
		}
		// As a parcel's leaves.
		empty := newMemory()
		if err := create(empty); err != nil {
			t.Fatal(err)
		}
		if b, err = open(empty, public); err != nil {
			t.Fatal(err)
		}
		v, err := b.Begin(signed)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Leaves(bytes.NewReader(raw), 0); err == nil && !bytes.Equal(raw, sound) {
			t.Fatal("believed another log")
		}
	})
}

// large is a book of n leaves: submissions in two channels, one in ten deleted.
func large(b *testing.B, n int) (*Book, *server) {
	s := newServer(b).channels()
	var ids []string
	var all [][]byte
	for len(all) < n-int(s.size()) {
		var leaf translog.Leaf
		if len(all)%10 == 9 {
			leaf = translog.Deletion{ID: ids[len(ids)-1], Channel: nice, Day: later, Reason: translog.ByRetention}
		} else {
			id := vault.NewID().String()
			ids = append(ids, id)
			leaf = translog.Submission{ID: id, Channel: nice, Day: sent, Epoch: 2, Payloads: []string{digest(id), digest("x" + id)},
				Recipients: slices.Sorted(slices.Values([]string{
					translog.RecipientHash(people().alice.finger), translog.RecipientHash(people().bob.finger)}))}
		}
		raw, err := translog.Encode(leaf)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, raw)
	}
	hashes, err := translog.Append(s.size(), all, s)
	if err != nil {
		b.Fatal(err)
	}
	s.hashes, s.leaves = append(s.hashes, hashes...), append(s.leaves, all...)
	return newBook(b, s), s
}

const manyLeaves = 100_000

func BenchmarkFirstVisit(b *testing.B) {
	_, s := large(b, manyLeaves)
	for b.Loop() {
		s.mustTell(newBook(b, s))
	}
}

func BenchmarkOpen(b *testing.B) {
	book, s := large(b, manyLeaves)
	s.mustTell(book)
	for b.Loop() {
		again, err := Open(book.fs.(disk).folder, s.public)
		if err != nil {
			b.Fatal(err)
		}
		again.Close()
	}
}

func BenchmarkMissing(b *testing.B) {
	book, s := large(b, manyLeaves)
	s.mustTell(book)
	h := Holdings{Fingerprint: people().alice.finger, Here: func(string) bool { return true },
		Acknowledged: func(string) (string, bool) { return sent, true }}
	for b.Loop() {
		if found, err := book.Missing(h); err != nil || len(found) > 0 {
			b.Fatal(len(found), err)
		}
	}
}

func BenchmarkAudit(b *testing.B) {
	book, s := large(b, manyLeaves)
	s.mustTell(book)
	h := Holdings{Fingerprint: people().alice.finger, Here: func(string) bool { return true },
		Acknowledged: func(string) (string, bool) { return sent, true }}
	for b.Loop() {
		if found, err := book.Audit(b.Context(), h); err != nil || len(found) > 0 {
			b.Fatal(len(found), err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	s := newServer(b).channels()
	id := s.submit(nice, sent, people().alice, people().bob)
	book := newBook(b, s)
	s.mustTell(book)
	for b.Loop() {
		if found := book.Check(s.got(id)); len(found) > 0 {
			b.Fatal(found)
		}
	}
}
