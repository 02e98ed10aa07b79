package desk

import (
	"slices"
	"testing"
)

// Which of nine return parcels are void after the server was restored, once and
// again.
func TestVoidSpans(t *testing.T) {
	for what, c := range map[string]struct {
		cuts []cut
		want []uint64
	}{
		"never":                    {nil, nil},
		"it forgot nothing":        {[]cut{{Last: 9, Used: 9}}, nil},
		"it forgot all":            {[]cut{{Last: 0, Used: 9}}, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		"it forgot some":           {[]cut{{Last: 3, Used: 5}}, []uint64{4, 5}},
		"a copy of the home":       {[]cut{{Last: 7, Used: 5}}, nil},
		"again":                    {[]cut{{Last: 3, Used: 5}, {Last: 7, Used: 8}}, []uint64{4, 5, 8}},
		"again, from the same":     {[]cut{{Last: 3, Used: 5}, {Last: 3, Used: 8}}, []uint64{4, 5, 6, 7, 8}},
		"again, from an older one": {[]cut{{Last: 3, Used: 5}, {Last: 1, Used: 6}}, []uint64{2, 3, 4, 5, 6}},
		"again, from one that has what was forgotten": {[]cut{{Last: 3, Used: 5}, {Last: 4, Used: 8}}, []uint64{5, 6, 7, 8}},
		"and from one that has all of it":             {[]cut{{Last: 3, Used: 5}, {Last: 5, Used: 8}}, []uint64{6, 7, 8}},
	} {
		var got []uint64
		for n := range uint64(10) {
			if isIn(voidSpans(c.cuts), n) {
				got = append(got, n)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}
