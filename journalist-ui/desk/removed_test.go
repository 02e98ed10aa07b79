package desk_test

import (
	"testing"
	"time"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// A reviewer who was removed from a channel gets nothing more of it, and is told
// that, and who lost the place: not that the server drops what it accepted.
func TestRemovedReviewer(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	bob := vaulttest.NewKey(t, vaulttest.X25519).Certificate(t)
	v.Channel = "Lyon" // where this reviewer stays
	lyon := v.Submit(certificate, "de Lyon")
	v.Channel = "Nice"
	both := v.Sealer(certificate, bob)
	had := v.Commit(both.Envelope(), v.Seal(both, []byte("un")))
	mine := parcel.Request{Reviewer: d.Fingerprint()}
	importParcel(t, d, v.Pack(mine))
	withheld := v.Commit(both.Envelope(), v.Seal(both, []byte("deux")))
	if _, err := v.Store().RemoveMember(t.Context(), "Nice", d.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at first", "again"} {
		report := importParcel(t, d, v.Pack(mine))
		if len(report.Missing) != 1 || report.Missing[0].Kind != witness.Withheld || report.Missing[0].ID != withheld || report.Found() {
			t.Errorf("%s: %+v", when, report)
		}
		if when == "at first" && (len(report.Events) != 1 || report.Events[0].Kind != witness.ReviewerRemoved || report.Events[0].Fingerprint != d.Fingerprint()) {
			t.Errorf("events %+v", report.Events)
		}
	}
	if audit, err := d.Audit(t.Context()); err != nil || len(audit.Log) != 1 || audit.Log[0].Kind != witness.Withheld {
		t.Errorf("the audit: %+v, %v", audit, err)
	}
	here := submissions(t, d)
	for id, want := range map[string]bool{lyon: true, had: true, withheld: false} {
		if _, is := here[id]; is != want {
			t.Errorf("%s is here: %v", id, is)
		}
	}
	// Back on the roster it comes.
	c, err := seal.ParseCertificate(certificate, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v.AddReviewer("Alice", c)
	if report := importParcel(t, d, v.Pack(mine)); len(report.Missing) != 0 || report.Found() {
		t.Errorf("back: %+v", report)
	}
	if _, is := submissions(t, d)[withheld]; !is {
		t.Error("it did not come")
	}
}
