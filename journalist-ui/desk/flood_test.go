package desk_test

import (
	"testing"
	"time"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault"
	"sourdine/vault/translog"
)

// A log full of deletions of nothing is told, and bricks nothing.
func TestFloodedLog(t *testing.T) {
	const n = 12_000
	d, home := openNew(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un")
	flooded := v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		for range n {
			leaf, err := translog.Encode(translog.Deletion{ID: vault.NewID().String(), Channel: "a", Day: "2026-01-01", Reason: translog.ByLimit})
			must(t, err)
			f.Leaves = append(f.Leaves, leaf)
		}
	})
	start := time.Now()
	report := importParcel(t, d, flooded)
	imported := time.Since(start)
	a, err := d.Audit(t.Context())
	must(t, err)
	f, err := d.Findings()
	must(t, err)
	more, _ := f.Unlisted()
	if len(report.Log) < n || len(a.Log) < n || len(f.Log) >= n || len(f.Log)+len(f.Missing)+more < n {
		t.Errorf("%d told, %d audited, %d kept, %d more", len(report.Log), len(a.Log), len(f.Log), more)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("%v, of which the import %v", took, imported)
	}
	t.Logf("import %v, with an audit %v", imported, time.Since(start))
}
