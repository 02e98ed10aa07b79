package desk_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/unseal"
	"sourdine/journalist-ui/unseal/unsealtest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/vaulttest"
)

// What was altered before the vault logged it agrees with the log. It is opened
// when it comes, kept apart, and never acknowledged: the server would delete the
// only thing that shows what was done.
func TestAlteredBeforeTheLog(t *testing.T) {
	home := desktest.NewHome(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	big := desktest.File{Name: "a", Data: bytes.Repeat([]byte("x"), 300_000)}
	small := desktest.File{Name: "b", Data: []byte("petit")}
	v.Channel = "Lyon" // where a reviewer has a v4 key
	old := vaulttest.NewKey(t, vaulttest.V4).Certificate(t)
	v.Sealer(certificate, old)
	v.Channel = "Nice"
	raw, err := desktest.Manifest("celui-ci", big, small).Encode()
	must(t, err)
	// submit seals a manifest and two files, and commits what alter makes of them.
	submit := func(alter func(envelope []byte, payloads [][]byte) []byte, more ...[]byte) string {
		s := v.Sealer(append([][]byte{certificate}, more...)...)
		payloads := [][]byte{v.Seal(s, raw), v.Seal(s, big.Data), v.Seal(s, small.Data)}
		envelope := alter(bytes.Clone(s.Envelope()), payloads)
		return v.Commit(envelope, payloads...)
	}
	cut := func(place string) func([]byte, [][]byte) []byte {
		return func(envelope []byte, payloads [][]byte) []byte {
			payloads[1] = unsealtest.Cut(t, payloads[1], place)
			return envelope
		}
	}
	cutEnvelope := func(envelope []byte, _ [][]byte) []byte { return flip(envelope, len(envelope)-1) }
	want := map[string]witness.Finding{}
	expect := func(id string, kind witness.Kind, item int) {
		want[id] = witness.Finding{Kind: kind, ID: id, Item: item}
	}
	expect(submit(cut("after the second chunk")), desk.ItemDamaged, 1)
	expect(submit(cut("before the tag over the whole")), desk.ItemDamaged, 1)
	expect(submit(func(e []byte, p [][]byte) []byte { p[2] = flip(p[2], len(p[2])/2); return e }), desk.ItemDamaged, 2)
	expect(submit(func(e []byte, p [][]byte) []byte { p[0] = p[0][:len(p[0])-1]; return e }), desk.ItemDamaged, 0)
	expect(submit(func(e []byte, p [][]byte) []byte { p[1] = nil; return e }), desk.ItemDamaged, 1)
	expect(submit(func(e []byte, p [][]byte) []byte { p[2] = p[1]; return e }), desk.ItemDiffers, 2)
	expect(submit(cutEnvelope), desk.EnvelopeUnopened, 0)
	v.Channel = "Lyon"
	expect(submit(cut("at a block"), old), desk.ItemDamaged, 1)
	expect(submit(cut("before the digest"), old), desk.ItemDamaged, 1)
	v.Channel = "Nice"
	sound := v.Submit(certificate, "sain", big)
	p := v.Parcel()

	d, home := openNew(t)
	report := importParcel(t, d, p)
	if len(report.New) != len(want)+1 || !report.Found() || len(report.Findings) != len(want) {
		t.Errorf("%d new, found %+v", len(report.New), report.Findings)
	}
	check := func(when string) {
		t.Helper()
		f, err := d.Findings()
		must(t, err)
		for id, one := range want {
			if !slices.Equal(f.Submissions[id], []witness.Finding{one}) {
				t.Errorf("%s: found %+v, want %+v", when, f.Submissions[id], one)
			}
		}
		if f.Doubts(sound) {
			t.Errorf("%s: the sound one is doubted: %+v", when, f.Submissions[sound])
		}
	}
	check("at first")
	if again := importParcel(t, d, p); again.Known != len(want)+1 || !again.Found() || len(again.Findings) != len(want) {
		t.Errorf("again: %+v", again)
	}
	check("again")
	a, err := d.Audit(t.Context())
	if err != nil || a.Sound() || len(a.Findings) != len(want) {
		t.Errorf("the audit: %+v, %v", a, err)
	}
	check("after an audit")
	must(t, os.Remove(filepath.Join(home, "findings.json")))
	r, err := d.PrepareReturn(t.Context(), []byte(desktest.Passphrase))
	if err != nil || r.Acknowledged != 1 {
		t.Errorf("acknowledged %+v, %v", r, err)
	}
	check("without what was found")
	for id, one := range want {
		if one.Item == 0 {
			continue
		}
		_, plain, err := d.Item(t.Context(), id, one.Item)
		if err == nil {
			_, err = io.Copy(io.Discard, plain)
			plain.Close()
		}
		if !errors.Is(err, map[witness.Kind]error{desk.ItemDamaged: unseal.ErrDamaged, desk.ItemDiffers: desk.ErrDiffers}[one.Kind]) {
			t.Errorf("%+v is read: %v", one, err)
		}
	}
}

// A lie about what is here is told for as long as nobody said that they know it,
// and casts no doubt on what is here.
func TestLaterLieStays(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	id := v.Submit(certificate, "un", desktest.File{Name: "a", Data: []byte("le fichier")})
	honest := v.Parcel()
	importParcel(t, d, honest)
	stranger := desktest.NewVault(t).Sealer(vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t)).Envelope()
	for range 2 {
		report := importParcel(t, d, v.Forge(honest, func(f *desktest.Forgery) {
			name := "submissions/" + id + "/envelope.pgp"
			f.Files[name] = append(f.Files[name], stranger...)
		}))
		if !slices.Equal(report.Conflicts, []string{id}) || !report.Found() {
			t.Errorf("report %+v", report)
		}
	}
	stays := func(f *desk.Findings) bool {
		return len(f.Parcels) == 1 && f.Parcels[0].Kind == witness.RecipientAdded && f.Parcels[0].ID == id
	}
	importParcel(t, d, honest)
	if f, err := d.Findings(); err != nil || !stays(f) || f.Doubts(id) || len(f.Of(id)) != 0 {
		t.Errorf("found %+v, %v", f, err)
	}
	a, err := d.Audit(t.Context())
	if err != nil || !a.Sound() || len(a.Parcels) != 1 {
		t.Errorf("the audit: %+v, %v", a, err)
	}
	f, err := d.Findings()
	must(t, err)
	_, before := f.News()
	must(t, d.Know(desk.FindingKey(f.Parcels[0])))
	f, err = d.Findings()
	must(t, err)
	if _, after := f.News(); before != 1 || after != 0 || !stays(f) {
		t.Errorf("news: %d, then %d; %+v", before, after, f.Parcels)
	}
	if text, err := read(d, id, 1); err != nil || string(text) != "le fichier" {
		t.Errorf("what is here: %q, %v", text, err)
	}
	if r, err := d.PrepareReturn(t.Context(), []byte(desktest.Passphrase)); err != nil || r.Acknowledged != 1 {
		t.Errorf("it is not acknowledged: %+v, %v", r, err)
	}
}

// What was kept apart because its parcel's log was refused keeps its reason.
func TestAuditRemembersWhy(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	v.Submit(certificate, "un")
	importParcel(t, d, v.Parcel())
	id := v.Submit(certificate, "deux")
	importParcel(t, d, v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		last := len(f.Leaves) - 1
		f.Leaves = append(f.Leaves[1:last:last], f.Leaves[last])
		for i := range f.Index.Submissions {
			f.Index.Submissions[i].Leaf = 0
		}
	}))
	for range 2 {
		a, err := d.Audit(t.Context())
		if got := kinds(a.Findings[id]); err != nil || !slices.Equal(got, []witness.Kind{witness.Fork}) {
			t.Errorf("the audit: %v, %v", got, err)
		}
	}
	importParcel(t, d, v.Parcel())
	if f, err := d.Findings(); err != nil || f.Doubts(id) {
		t.Errorf("then: %+v, %v", f.Submissions, err)
	}
}

// Payloads that change places between submissions are told from those that were
// altered.
func TestPayloadOfAnother(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	file := desktest.File{Name: "a", Data: []byte("le fichier")}
	one, two := v.Submit(certificate, "un", file), v.Submit(certificate, "deux", file)
	report := importParcel(t, d, v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		swap(f, desktest.PayloadName(one, 1), desktest.PayloadName(two, 1))
	}))
	a, err := d.Audit(t.Context())
	must(t, err)
	for _, id := range []string{one, two} {
		for _, found := range [][]witness.Finding{report.Findings[id], a.Findings[id]} {
			if !slices.Equal(kinds(found), []witness.Kind{witness.PayloadOfAnother}) {
				t.Errorf("found %+v", found)
			}
		}
	}
}
