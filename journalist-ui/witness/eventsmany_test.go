package witness

import (
	"fmt"
	"strings"
	"testing"

	"sourdine/vault/translog"
)

// A roster of a thousand says so in as many words as a desk can show.
func TestEventsOfAThousand(t *testing.T) {
	s := newServer(t).channels()
	b := newBook(t, s)
	s.mustTell(b)
	from := s.size()
	roster := func(epoch uint64, name string, n int) {
		l := translog.Roster{Channel: "z", Day: "2026-02-01", Epoch: epoch, SHA256: strings.Repeat("ab", 32)}
		for i := range n {
			l.Members = append(l.Members, translog.Member{Name: name, Fingerprint: fmt.Sprintf("%064X", i)})
		}
		s.add(l)
	}
	roster(0, "a", 1000)
	roster(1, "b", 1000)
	roster(2, "b", maxPerLeaf)
	roster(3, "c", maxPerLeaf) // as many as are told one by one
	type told struct{ one, more int }
	got := map[EventKind]map[int64]told{}
	s.mustTell(b)
	events, err := b.Events(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if got[e.Kind] == nil {
			got[e.Kind] = map[int64]told{}
		}
		was := got[e.Kind][e.Leaf-from]
		was.more += e.More
		if e.More == 0 {
			was.one++
		} else if e.Fingerprint != "" || e.Name != "" || e.Channel != "z" || e.Day != "2026-02-01" {
			t.Errorf("the rest: %+v", e)
		}
		got[e.Kind][e.Leaf-from] = was
	}
	want := map[EventKind]map[int64]told{
		ChannelMade:     {0: {1, 0}},
		ReviewerAdded:   {0: {maxPerLeaf, 1000 - maxPerLeaf}},
		ReviewerRenamed: {1: {maxPerLeaf, 1000 - maxPerLeaf}, 3: {maxPerLeaf, 0}},
		ReviewerRemoved: {2: {maxPerLeaf, 1000 - 2*maxPerLeaf}},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("told %v, want %v", got, want)
	}
}
