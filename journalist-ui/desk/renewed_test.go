package desk_test

import (
	"slices"
	"testing"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// A new envelope, for a roster that somebody joined, changes nothing at a desk
// that has the submission; one with somebody who did not join is told.
func TestRenewedEnvelope(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	id := v.Submit(certificate, "un")
	importParcel(t, d, v.Parcel())
	before := listing(t, home)
	joined := vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t)
	s := v.Sealer(certificate, joined) // the channel's roster from now on
	parsed, err := vault.ParseID(id)
	must(t, err)
	must(t, v.Store().Apply(t.Context(), func(c *vault.Change) error { return c.Reenvelope(parsed, s.Envelope(), 2) }))
	report := importParcel(t, d, v.Parcel())
	if report.Known != 1 || !report.Sound() || listing(t, home) != before {
		t.Errorf("report %+v", report)
	}
	stranger := desktest.NewVault(t).Sealer(vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t)).Envelope()
	report = importParcel(t, d, v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		name := "submissions/" + id + "/envelope.pgp"
		f.Files[name] = append(f.Files[name], stranger...)
	}))
	if !slices.Equal(report.Conflicts, []string{id}) || !slices.Contains(kinds(report.Findings[id]), witness.RecipientAdded) || listing(t, home) != before {
		t.Errorf("a stranger: %+v", report)
	}
}

// What the log says is for this reviewer is kept although its envelope is not:
// nobody can leave a reviewer out unseen.
func TestLeftOutOfTheEnvelope(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	id := v.Submit(certificate, "un")
	stranger := desktest.NewVault(t).Sealer(vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t)).Envelope()
	report := importParcel(t, d, v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		f.Files["submissions/"+id+"/envelope.pgp"] = stranger
	}))
	found := kinds(report.Findings[id])
	if !slices.Contains(found, witness.RecipientMissing) || !slices.Contains(found, witness.RecipientAdded) || report.Others != 0 ||
		report.Doubtful[id] != desk.DoubtEnvelope {
		t.Errorf("report %+v", report)
	}
}
