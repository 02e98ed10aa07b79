package desk_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault"
	"sourdine/vault/parcel"
)

// all are the kinds of findings, notices too.
func all(findings []witness.Finding) []witness.Kind {
	var kinds []witness.Kind
	for _, f := range findings {
		kinds = append(kinds, f.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

// parts packs what waits into parcels of one submission each.
func parts(t *testing.T, v *desktest.Vault) (packed [][]byte) {
	t.Helper()
	request := parcel.Request{Bytes: 1}
	for {
		p := v.Pack(request)
		packed = append(packed, p)
		index := indexOf(t, p)
		if index.Left == 0 {
			return packed
		}
		var err error
		request.After, err = vault.ParseID(index.Submissions[0].ID)
		must(t, err)
		request.Size = index.Size
	}
}

func indexOf(t *testing.T, p []byte) parcel.Index {
	t.Helper()
	r, err := parcel.Open(bytes.NewReader(p), func(string) error { return nil })
	must(t, err)
	return r.Index()
}

// In whatever order parts come, what another one brings is not called dropped; what
// none of them brings is, and stays that.
func TestPartsInAnyOrder(t *testing.T) {
	home := desktest.NewHome(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	for range 3 {
		v.Submit(certificate, "message", desktest.File{Data: make([]byte, 50_000)})
	}
	packed := parts(t, v)
	const skipped, awaited, dropped = witness.PartSkipped, witness.Awaited, witness.Dropped
	type step struct {
		part int
		want []witness.Kind
	}
	for name, c := range map[string]struct {
		lacks int // a part that lacks what it should bring, or -1
		steps []step
	}{
		"in order":                          {-1, []step{{0, []witness.Kind{awaited, awaited}}, {1, []witness.Kind{awaited}}, {2, nil}}},
		"in order, twice":                   {-1, []step{{0, []witness.Kind{awaited, awaited}}, {0, []witness.Kind{awaited, awaited}}, {1, []witness.Kind{awaited}}, {2, nil}}},
		"backwards":                         {-1, []step{{2, []witness.Kind{skipped, skipped}}, {1, []witness.Kind{skipped}}, {0, nil}}},
		"without the first":                 {-1, []step{{1, []witness.Kind{awaited, skipped}}, {2, []witness.Kind{skipped}}}},
		"the first alone":                   {-1, []step{{0, []witness.Kind{awaited, awaited}}}},
		"without the second":                {-1, []step{{0, []witness.Kind{awaited, awaited}}, {2, []witness.Kind{skipped}}}},
		"the second lacks it":               {1, []step{{0, []witness.Kind{awaited, awaited}}, {1, []witness.Kind{dropped, dropped}}, {2, []witness.Kind{dropped}}}},
		"the last lacks it":                 {2, []step{{0, []witness.Kind{awaited, awaited}}, {1, []witness.Kind{awaited}}, {2, []witness.Kind{dropped}}, {0, []witness.Kind{dropped}}}},
		"the last lacks it, then brings it": {2, []step{{0, []witness.Kind{awaited, awaited}}, {1, []witness.Kind{awaited}}, {2, []witness.Kind{dropped}}, {3, nil}}},
	} {
		d, home := openNew(t)
		for n, s := range c.steps {
			p := packed[min(s.part, 2)]
			if s.part == c.lacks {
				p = v.Forge(p, func(f *desktest.Forgery) { f.Index.Submissions = nil })
			}
			report := importParcel(t, d, p)
			if got := all(report.Missing); !slices.Equal(got, s.want) {
				t.Errorf("%s, step %d: %v, want %v", name, n, got, s.want)
			}
			a, err := d.Audit(t.Context())
			must(t, err)
			if got := all(a.Log); !slices.Equal(got, s.want) || a.Sound() != report.Sound() {
				t.Errorf("%s, step %d: the audit %v, want %v", name, n, got, s.want)
			}
		}
		// Without what it found, the desk finds what matters.
		must(t, os.Remove(filepath.Join(home, "findings.json")))
		a, err := d.Audit(t.Context())
		must(t, err)
		if want := c.steps[len(c.steps)-1].want; len(a.Log) != len(want) || len(want) > 0 && a.Sound() {
			t.Errorf("%s, without findings: %v", name, all(a.Log))
		}
	}
}

// A parcel for somebody else says nothing of what waits for this reviewer: nothing
// is called dropped for it, and what was stays so.
func TestParcelForAnother(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	first := v.Submit(certificate, "un")
	empty := func(f *desktest.Forgery) { f.Index.Submissions = nil }
	another := func(f *desktest.Forgery) { empty(f); f.Index.Reviewer = strings.Repeat("AB", 32) }
	expect := func(when string, p []byte, parcels, missing, audited []witness.Kind) {
		t.Helper()
		report := importParcel(t, d, p)
		if got := all(report.Parcel); !slices.Equal(got, parcels) {
			t.Errorf("%s: parcel %v", when, got)
		}
		if got := all(report.Missing); !slices.Equal(got, missing) || report.Found() != slices.Contains(missing, witness.Dropped) {
			t.Errorf("%s: missing %v", when, got)
		}
		a, err := d.Audit(t.Context())
		if got := all(a.Log); err != nil || !slices.Equal(got, audited) {
			t.Errorf("%s: the audit %v, %v", when, got, err)
		}
	}
	note, awaited, dropped := []witness.Kind{witness.OtherReviewer}, []witness.Kind{witness.Awaited}, []witness.Kind{witness.Dropped}
	expect("before any other", v.Forge(v.Parcel(), another), note, awaited, awaited)
	expect("the whole one", v.Forge(v.Parcel(), empty), nil, dropped, dropped)
	if f, err := d.Findings(); err != nil || len(f.Parcels) != 0 {
		t.Errorf("it is still told: %+v, %v", f.Parcels, err)
	}
	expect("it clears nothing", v.Forge(v.Parcel(), another), note, dropped, dropped)
	v.Submit(certificate, "deux")
	both := []witness.Kind{witness.Awaited, witness.Dropped}
	expect("what is new waits", v.Forge(v.Parcel(), another), note, both, both)
	if report := importParcel(t, d, v.Parcel()); report.Found() || len(report.Missing) != 0 || !slices.Contains(report.New, first) {
		t.Errorf("the honest one: %+v", report)
	}
}

// A deletion that nobody ordered is told of, whomever the parcel is for.
func TestDeletionInAParcelForAnother(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	id := v.Submit(certificate, "un")
	importParcel(t, d, v.Parcel())
	report := importParcel(t, d, v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		f.Index.Submissions, f.Index.Reviewer = nil, strings.Repeat("AB", 32)
		f.Leaves = append(f.Leaves, fmt.Appendf(nil,
			`{"v":1,"kind":"deletion","id":"%s","channel":"Nice","day":"%s","reason":"limit","by":"","order":""}`, id, v.Day))
	}))
	if got := all(report.Missing); !slices.Equal(got, []witness.Kind{witness.LimitNone}) || !report.Found() {
		t.Errorf("missing %v; %+v", got, report)
	}
}
