package desk_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/unseal/unsealtest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// kinds are those of findings, notices left out.
func kinds(findings []witness.Finding) []witness.Kind {
	var all []witness.Kind
	for _, f := range findings {
		if !f.Kind.Notice() {
			all = append(all, f.Kind)
		}
	}
	return all
}

// without takes a submission out of a parcel.
func without(f *desktest.Forgery, id string) {
	f.Index.Submissions = slices.DeleteFunc(f.Index.Submissions, func(s parcel.Submission) bool { return s.ID == id })
}

// swap exchanges two files of a parcel.
func swap(f *desktest.Forgery, a, b string) { f.Files[a], f.Files[b] = f.Files[b], f.Files[a] }

// A server that lies about one submission: it alone is kept apart, and marked
// with the very lie; the other one is imported as if nothing were.
func TestLiesAboutOneSubmission(t *testing.T) {
	home := desktest.NewHome(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	big := desktest.File{Name: "a", Data: bytes.Repeat([]byte("x"), 300_000)}
	other := desktest.File{Name: "b", Data: []byte("autre")}
	id := v.Submit(certificate, "celui-ci", big, other)
	sound := v.Submit(certificate, "celui-là", other)
	honest := v.Parcel()
	spy, err := seal.ParseCertificate(vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ours, err := seal.ParseCertificate(certificate, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	spied, err := seal.New(seal.Roster{ours, spy}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	envelope, first, second := "submissions/"+id+"/envelope.pgp", desktest.PayloadName(id, 1), desktest.PayloadName(id, 2)
	for what, c := range map[string]struct {
		lie  func(*desktest.Forgery)
		want witness.Kind
	}{
		"payloads swapped":     {func(f *desktest.Forgery) { swap(f, first, second) }, witness.PayloadsSwapped},
		"a payload of another": {func(f *desktest.Forgery) { f.Files[second] = f.Files[first] }, witness.PayloadDiffers},
		"cut at the edge of a chunk": {func(f *desktest.Forgery) {
			f.Files[first] = unsealtest.Cut(t, f.Files[first], "after the second chunk")
		}, desk.PayloadCut},
		"a recipient added": {func(f *desktest.Forgery) { f.Files[envelope] = append(f.Files[envelope], spied.Envelope()...) }, witness.RecipientAdded},
		"a payload left out": {func(f *desktest.Forgery) {
			entry(f, id).Payloads = entry(f, id).Payloads[:2]
		}, witness.PayloadMissing},
		"another day":     {func(f *desktest.Forgery) { entry(f, id).Day = "2026-02-01" }, witness.DayDiffers},
		"another channel": {func(f *desktest.Forgery) { entry(f, id).Channel = "Lyon" }, witness.ChannelDiffers},
		"a damaged envelope": {func(f *desktest.Forgery) {
			f.Files[envelope] = f.Files[envelope][:900]
		}, witness.EnvelopeUnreadable},
		"dropped": {func(f *desktest.Forgery) { without(f, id) }, witness.Dropped},
	} {
		d, home := openNew(t)
		report := importParcel(t, d, v.Forge(honest, c.lie))
		found := append(kinds(report.Findings[id]), kinds(report.Missing)...)
		if !slices.Contains(found, c.want) || report.Sound() || len(report.Findings[sound]) != 0 {
			t.Errorf("%s: found %v; %+v", what, found, report)
		}
		known := submissions(t, d)
		_, here := known[id]
		if known[sound].Message != "celui-là" || here == (c.want == witness.Dropped) {
			t.Errorf("%s: %d are known, here %v", what, len(known), here)
		}
		// It is told after a restart, and found again from what is stored.
		d = desktest.Open(t, home)
		f, err := d.Findings()
		if err != nil || !f.Doubts(id) || f.Doubts(sound) {
			t.Errorf("%s: then %+v, %v", what, f, err)
		}
		a, err := d.Audit(t.Context())
		if found := append(kinds(a.Findings[id]), kinds(a.Log)...); err != nil || a.Sound() || !slices.Contains(found, c.want) {
			t.Errorf("%s: audit %v, %v", what, found, err)
		}
		// The honest parcel clears it up, where nothing else is here.
		report = importParcel(t, d, honest)
		if c.want == witness.ChannelDiffers || c.want == witness.DayDiffers || c.want == witness.PayloadMissing {
			continue // the casebook says otherwise: a conflict
		}
		if f, err := d.Findings(); err != nil || f.Doubts(id) || report.Found() || submissions(t, d)[id].Message != "celui-ci" {
			t.Errorf("%s: the honest parcel: %+v, %v", what, report, err)
		}
	}
}

func entry(f *desktest.Forgery, id string) *parcel.Submission {
	i := slices.IndexFunc(f.Index.Submissions, func(s parcel.Submission) bool { return s.ID == id })
	return &f.Index.Submissions[i]
}

// What is here stays as it is when a later parcel lies about it.
func TestLaterLies(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	file := desktest.File{Name: "a", Data: []byte("le fichier")}
	id := v.Submit(certificate, "un", file, file)
	honest := v.Parcel()
	importParcel(t, d, honest)
	before := listing(t, home)
	report := importParcel(t, d, v.Forge(honest, func(f *desktest.Forgery) {
		swap(f, desktest.PayloadName(id, 1), desktest.PayloadName(id, 2))
	}))
	if !slices.Equal(report.Conflicts, []string{id}) || !slices.Contains(kinds(report.Findings[id]), witness.PayloadsSwapped) {
		t.Errorf("report %+v", report)
	}
	if f, err := d.Findings(); err != nil || f.Doubts(id) || listing(t, home) != before {
		t.Errorf("what was here is doubted or changed: %v", err)
	}
}
