package witness

import (
	"bytes"
	"slices"
	"testing"

	"sourdine/vault"
)

// inOrder makes submissions for Alice, and lists them as parcels do: by id, as
// bytes.
func (s *server) inOrder(n int) []string {
	s.tb.Helper()
	var ids []string
	for range n {
		ids = append(ids, s.submit(nice, sent))
	}
	slices.SortFunc(ids, func(x, y string) int {
		a, err := vault.ParseID(x)
		if err != nil {
			s.tb.Fatal(err)
		}
		b, err := vault.ParseID(y)
		if err != nil {
			s.tb.Fatal(err)
		}
		return bytes.Compare(a[:], b[:])
	})
	return ids
}

// What a part of the parcels lists, and where it begins and ends, says what can
// still come. Submissions are numbered from 0, by their ids.
func TestParts(t *testing.T) {
	p := people()
	const none = -1
	for name, c := range map[string]struct {
		after, last, left int // of the part
		log               int // how many of the submissions its log has; 0: all
		missing           []int
		before            []int // called dropped at an earlier import
		want              []Kind
	}{
		"whole":                               {none, 5, 0, 0, nil, nil, nil},
		"whole, one lacks":                    {none, 5, 0, 0, []int{2}, nil, []Kind{Dropped}},
		"whole, the last lacks":               {none, 4, 0, 0, []int{5}, nil, []Kind{Dropped}},
		"whole, nothing comes":                {none, none, 0, 0, []int{0, 5}, nil, []Kind{Dropped, Dropped}},
		"one lacks before the last":           {none, 4, 1, 0, []int{2}, nil, []Kind{Dropped}},
		"one lacks, another follows":          {none, 4, 1, 0, []int{2, 5}, nil, []Kind{Dropped, Awaited}},
		"all that follow":                     {none, 2, 3, 0, []int{3, 4, 5}, nil, []Kind{Awaited, Awaited, Awaited}},
		"more than follow":                    {none, 2, 2, 0, []int{3, 4, 5}, nil, []Kind{Dropped, Dropped, Dropped}},
		"nothing listed, some follow":         {none, none, 6, 0, []int{0, 5}, nil, []Kind{Awaited, Awaited}},
		"second of two":                       {2, 5, 0, 0, nil, nil, nil},
		"second of two, one lacks":            {2, 5, 0, 0, []int{4}, nil, []Kind{Dropped}},
		"second of two, none before it":       {2, 5, 0, 0, []int{0, 2}, nil, []Kind{PartSkipped, PartSkipped}},
		"second of two, dropped in the first": {2, 5, 0, 0, []int{0, 1}, []int{1}, []Kind{PartSkipped, Dropped}},
		"second of three":                     {1, 3, 2, 0, []int{0, 2, 4, 5}, nil, []Kind{PartSkipped, Dropped, Awaited, Awaited}},
		"nothing listed, after all":           {5, 5, 0, 0, []int{3}, nil, []Kind{PartSkipped}},
		"nothing listed after one":            {3, 3, 1, 0, []int{3, 4}, nil, []Kind{PartSkipped, Awaited}},
		"dropped, then promised":              {none, 3, 2, 0, []int{4, 5}, []int{5}, []Kind{Awaited, Dropped}},
		"later in the log":                    {none, 5, 0, 4, []int{0, 1, 2, 3, 4, 5}, nil, []Kind{Dropped, Dropped, Dropped, Dropped, Awaited, Awaited}},
		"no parcel yet":                       {none, none, 0, none, []int{0, 3}, nil, []Kind{Awaited, Awaited}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t).channels()
			before := s.size()
			ids := s.inOrder(6)
			name := func(n int) string {
				if n == none {
					return ""
				}
				return ids[n]
			}
			part := Part{Size: s.size(), After: name(c.after), Last: name(c.last), Left: c.left}
			switch {
			case c.log == none:
				part.Size = 0
			case c.log > 0:
				part.Size = before + int64(c.log)
				slices.SortFunc(ids, func(x, y string) int { return int(s.numbers[x] - s.numbers[y]) }) // the log tells them apart
				part.Last = ""
			}
			var absent, dropped []string
			for _, n := range c.missing {
				absent = append(absent, ids[n])
			}
			for _, n := range c.before {
				dropped = append(dropped, ids[n])
			}
			h := s.all(p.alice, absent...)
			h.Part, h.Dropped = &part, func(id string) bool { return slices.Contains(dropped, id) }
			b := newBook(t, s)
			s.mustTell(b)
			found, err := b.Missing(h)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]Kind{}
			for _, f := range found {
				got[f.ID] = f.Kind
			}
			if len(got) != len(c.want) {
				t.Errorf("found %+v", found)
			}
			for i, id := range absent {
				if i < len(c.want) && got[id] != c.want[i] {
					t.Errorf("submission %d: %q, want %q", c.missing[i], got[id], c.want[i])
				}
			}
		})
	}
}
