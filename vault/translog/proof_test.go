package translog_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault/translog"
)

func encoded(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func decoded[V any](t testing.TB, raw []byte) *V {
	t.Helper()
	v := new(V)
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

func TestEveryInclusionInSmallLogs(t *testing.T) {
	const most = 33
	stored := grown(t, most)
	for size := int64(1); size <= most; size++ {
		c := head(t, size, stored)
		for index := range size {
			p, err := translog.Inclusion(index, size, stored)
			if err != nil {
				t.Fatal(err)
			}
			p = *decoded[translog.Proof](t, encoded(t, p))
			if err := translog.CheckInclusion(p, entry(index), index, c); err != nil {
				t.Fatalf("leaf %d of %d: %v", index, size, err)
			}
			refused(t, "another leaf", translog.CheckInclusion(p, entry(index+1), index, c))
			refused(t, "no such leaf", translog.CheckInclusion(p, entry(index), size, c))
			refused(t, "before the first", translog.CheckInclusion(p, entry(index), -1, c))
			if size > 1 {
				refused(t, "another place", translog.CheckInclusion(p, entry(index), (index+1)%size, c))
				refused(t, "cut", translog.CheckInclusion(p[:len(p)-1], entry(index), index, c))
			}
			refused(t, "longer", translog.CheckInclusion(append(slices.Clone(p), c.Root), entry(index), index, c))
			for n := range p {
				p[n][0] ^= 1
				refused(t, "bit", translog.CheckInclusion(p, entry(index), index, c))
				p[n][0] ^= 1
			}
		}
	}
	_, err := translog.Inclusion(3, 3, stored)
	refused(t, "a proof of what is not in the log yet", err)
}

func TestEveryConsistencyInSmallLogs(t *testing.T) {
	const most = 33
	stored := grown(t, most)
	for newer := range int64(most + 1) {
		for older := range newer + 1 {
			p, err := translog.Consistency(older, newer, stored)
			if err != nil {
				t.Fatal(err)
			}
			p = *decoded[translog.Proof](t, encoded(t, p))
			a, b := head(t, older, stored), head(t, newer, stored)
			if err := translog.CheckConsistency(p, a, b); err != nil {
				t.Fatalf("%d to %d: %v", older, newer, err)
			}
			if older < newer {
				refused(t, "backwards", translog.CheckConsistency(p, b, a))
			}
			forked := a
			forked.Root[31] ^= 1
			refused(t, "another past", translog.CheckConsistency(p, forked, b))
			forked = b
			forked.Root[31] ^= 1
			if older > 0 {
				refused(t, "another future", translog.CheckConsistency(p, a, forked))
			}
			b.Origin = "sourdine/vault/ffffffff"
			refused(t, "another vault", translog.CheckConsistency(p, a, b))
			b.Origin = a.Origin
			refused(t, "longer", translog.CheckConsistency(append(slices.Clone(p), b.Root), a, b))
			for n := range p {
				p[n][0] ^= 1
				refused(t, "bit", translog.CheckConsistency(p, a, b))
				p[n][0] ^= 1
			}
		}
	}
}

func TestEmptyLogHasOneRoot(t *testing.T) {
	lie := translog.Checkpoint{Origin: origin, Root: tlog.Hash{1}}
	refused(t, "a wrong empty log", translog.CheckConsistency(nil, lie, head(t, 3, grown(t, 3))))
	if err := translog.CheckConsistency(nil, head(t, 0, nil), head(t, 0, nil)); err != nil {
		t.Errorf("the empty log continues itself: %v", err)
	}
}

func hashList(n int) string {
	one := `"` + strings.Repeat("A", 43) + `="`
	return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]"
}

func TestProofsThatAreNone(t *testing.T) {
	good := hashList(41)
	if p := *decoded[translog.Proof](t, []byte(good)); len(p) != 41 || string(encoded(t, p)) != good {
		t.Errorf("the longest proof has %d hashes", len(p))
	}
	for what, raw := range map[string]string{
		"null":              `null`,
		"text":              `"` + strings.Repeat("A", 43) + `="`,
		"object":            `{}`,
		"one hash too many": hashList(42),
		"huge":              hashList(1 << 16),
		"a list of nothing": `[null]`,
		"empty hash":        `[""]`,
		"31 bytes":          `["` + strings.Repeat("A", 42) + `=="]`,
		"33 bytes":          `["` + strings.Repeat("A", 44) + `"]`,
		"hexadecimal":       `["` + goodDigest + `"]`,
		"loose bits":        `["` + strings.Repeat("A", 42) + `B="]`,
		"escaped":           `["\u0041` + strings.Repeat("A", 42) + `="]`,
		"URL alphabet":      `["` + strings.Repeat("_", 43) + `="]`,
		"blanks only":       strings.Repeat(" ", 1<<16) + "[]",
	} {
		p := translog.Proof{{7}}
		if what != "blanks only" { // the json package takes them before it asks us
			refused(t, what, json.Unmarshal([]byte(raw), &p))
		} else {
			refused(t, what, p.UnmarshalJSON([]byte(raw)))
		}
		if !reflect.DeepEqual(p, translog.Proof{{7}}) {
			t.Errorf("%s: the proof changed to %v", what, p)
		}
	}
	if string(encoded(t, translog.Proof(nil))) != "[]" {
		t.Error("no proof is not an empty list")
	}
	indented, _ := json.MarshalIndent(translog.Proof{{1}, {2}}, "    ", "\t")
	if p := decoded[translog.Proof](t, indented); len(*p) != 2 {
		t.Errorf("an indented proof: %v", p)
	}
}
