package desk_test

import (
	"slices"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/translog"
)

// A deletion that nobody ordered.
func TestDeletionThatNobodyOrdered(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, home), "un")
	fingerprint := d.Fingerprint()
	report := importParcel(t, d, v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		without(f, id)
		leaf, err := translog.Encode(translog.Deletion{ID: id, Channel: "Nice", Day: "2026-11-30", Reason: translog.ByOrder, By: fingerprint,
			Order: strings.Repeat("ab", 32)})
		if err != nil {
			t.Fatal(err)
		}
		f.Leaves = append(f.Leaves, leaf)
	}))
	if got := kinds(report.Missing); !slices.Equal(got, []witness.Kind{witness.OrderMissing}) {
		t.Errorf("missing %v", got)
	}
}
