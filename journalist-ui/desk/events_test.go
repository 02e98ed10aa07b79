package desk_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// The first desk of a channel sees its own key; another one's asks.
func TestEvents(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	v.Submit(certificate, "un")
	importParcel(t, d, v.Parcel())
	f, err := d.Findings()
	if events, _ := f.News(); err != nil || events != 1 || f.Events[0].Fingerprint != d.Fingerprint() {
		t.Fatalf("%+v, %v", f, err)
	}
	if err := d.Know(desk.EventKey(f.Events[0])); err != nil {
		t.Fatal(err)
	}
	spy, err := seal.ParseCertificate(vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v.AddReviewer("Éve", spy)
	report := importParcel(t, d, v.Parcel())
	if len(report.Events) != 1 || report.Events[0].Kind != witness.ReviewerAdded || report.Events[0].Name != "Éve" {
		t.Errorf("events %+v", report.Events)
	}
	d = desktest.Open(t, home)
	f, err = d.Findings()
	if events, findings := f.News(); err != nil || events != 1 || findings != 0 {
		t.Errorf("%d events and %d findings are new, %v", events, findings, err)
	}
	if err := d.Know("event 7 nothing"); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("an unknown event: %v", err)
	}
	if report := importParcel(t, d, v.Parcel()); len(report.Events) != 0 {
		t.Errorf("told twice: %+v", report.Events)
	}
}

// An import that was killed between the log and its findings tells them later.
func TestEventsSurviveACrash(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un")
	p := v.Parcel()
	importParcel(t, d, p)
	if err := os.Remove(filepath.Join(home, "findings.json")); err != nil {
		t.Fatal(err)
	}
	report := importParcel(t, d, p)
	if f, err := d.Findings(); err != nil || len(f.Events) != 1 || len(report.Events) != 2 || report.Found() {
		t.Errorf("%+v, %v", report, err)
	}
}

// What a killed import stored is looked at again before it is acknowledged.
func TestDoubtsSurviveACrash(t *testing.T) {
	v := desktest.NewVault(t)
	certificate := desktest.Certificate(t, desktest.NewHome(t))
	id := v.Submit(certificate, "un", desktest.File{Name: "a", Data: []byte("a")}, desktest.File{Name: "b", Data: []byte("b")})
	forged := v.Forge(v.Parcel(), func(f *desktest.Forgery) { swap(f, desktest.PayloadName(id, 1), desktest.PayloadName(id, 2)) })
	for what, next := range map[string]func(*desk.Desk){
		"a return parcel":  func(d *desk.Desk) { prepare(t, d) },
		"the same parcel":  func(d *desk.Desk) { importParcel(t, d, forged) },
		"an audit":         func(d *desk.Desk) { _, err := d.Audit(t.Context()); must(t, err) },
		"a refused parcel": func(d *desk.Desk) { _, _ = d.Import(t.Context(), bytes.NewReader(forged[:len(forged)/2])) },
	} {
		d, home := openNew(t)
		importParcel(t, d, forged)
		f, err := d.Findings()
		must(t, err)
		f.Submissions, f.Interrupted = nil, true // as open writes it
		raw, err := json.Marshal(f)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(home, "findings.json"), raw, 0o600))
		next(d)
		if f, err := d.Findings(); err != nil || !f.Doubts(id) || f.Interrupted {
			t.Errorf("%s: %+v, %v", what, f, err)
		}
		if what == "a return parcel" {
			out, err := d.Outgoing(t.Context())
			if err != nil || out.Pending.Acknowledged != 0 {
				t.Errorf("%s: it was acknowledged: %+v, %v", what, out.Pending, err)
			}
		}
	}
}
