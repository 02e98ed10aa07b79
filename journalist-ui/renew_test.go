package journalist

import (
	"bytes"
	"net/url"
	"testing"
	"time"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// The page of the return parcel says how many new envelopes wait, in both
// languages, and which must be made anew.
func TestRenewalsOnThePage(t *testing.T) {
	home := desktest.NewHome(t)
	d, v := desktest.Open(t, home), desktest.NewVault(t)
	certificate := desktest.Certificate(t, home)
	v.Submit(certificate, "un")
	v.Submit(certificate, "deux")
	joins := func(name string) {
		t.Helper()
		c, err := seal.ParseCertificate(vaulttest.NewKey(t, vaulttest.X25519).Certificate(t), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		v.AddReviewer(name, c)
		importAll(t, d, v)
	}
	renew := func() {
		t.Helper()
		all, err := d.Renewals(t.Context(), "Nice")
		if err != nil || len(all) != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		if done, err := d.Renew(t.Context(), all[0]); err != nil || done.Made != 2 {
			t.Fatalf("%+v, %v", done, err)
		}
	}
	joins("second")
	renew()
	r := open(t, newSite(t, d, nil))
	r.page("/return?lang=en", "2 new envelopes, for the channels’ rosters of now")
	r.page("/return?lang=fr", "2 nouvelles enveloppes, pour les listes actuelles des canaux")
	joins("third")
	r.page("/return?lang=en", "2 new envelopes are for rosters that have changed since", "sourdine-desk renew")
	r.page("/return?lang=fr", "2 nouvelles enveloppes sont pour des listes qui ont changé depuis")
	renew()
	signed := r.post("/return", url.Values{"passphrase": {desktest.Passphrase}}).Body.Bytes()
	joins("fourth")
	if _, err := v.Apply(signed); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Import(t.Context(), bytes.NewReader(v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))); err != nil {
		t.Fatal(err)
	}
	r.page("/return?lang=en", "New envelope", "the envelope is not for the channel’s roster of now")
	r.page("/return?lang=fr", "Nouvelle enveloppe", "2 nouvelles enveloppes sont")
}
