package main

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// The submissions of a scene, by their messages.
const (
	this    = "celui-ci"  // the one that the server lies about
	other   = "un autre"  // another one, of the same reviewer
	sound   = "sain"      // in every parcel, and never touched
	gnupg   = "par GnuPG" // for a roster with a v4 key: SEIPDv1
	ordered = "supprimé"  // deleted by this reviewer's order
	late    = "nouveau"   // came after the parcel old
)

// A scene is a vault that lies, and whom it lies to.
type scene struct {
	t           *testing.T
	vault       *desktest.Vault
	certificate []byte // the reviewer's
	reviewer    string // their fingerprint
	ids         map[string]string
	old, honest []byte // parcels, as the vault should give them
	spy         *seal.Sealer
}

// newScene makes one in which something follows the submission that is lied about,
// in the order of ids: what follows all that is listed may come in a further part.
func newScene(t *testing.T) *scene {
	t.Helper()
	for {
		if s := anyScene(t); slices.ContainsFunc(everything, func(m string) bool { return s.follows(m, this) }) {
			return s
		}
	}
}

func (s *scene) follows(message, earlier string) bool {
	a, err1 := vault.ParseID(s.ids[message])
	b, err2 := vault.ParseID(s.ids[earlier])
	return err1 == nil && err2 == nil && bytes.Compare(a[:], b[:]) > 0
}

func anyScene(t *testing.T) *scene {
	t.Helper()
	home := desktest.NewHome(t)
	reviewer, err := desk.Fingerprint(home)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, vault: desktest.NewVault(t), certificate: desktest.Certificate(t, home), reviewer: reviewer, ids: map[string]string{}}
	large := desktest.File{Name: "grand", Data: bytes.Repeat([]byte("sourdine"), 40_000)} // ten chunks
	small := desktest.File{Name: "petit", Data: []byte("un fichier")}
	submit := func(message string, files ...desktest.File) {
		s.ids[message] = s.vault.Submit(s.certificate, message, files...)
	}
	submit(ordered)
	s.order(t, home) // first: it acknowledges all that is there
	today := s.vault.Day
	s.vault.Day = time.Now().UTC().AddDate(0, 0, -40).Format(time.DateOnly) // long enough for the retention
	submit(this, large, small)
	s.vault.Day = today
	submit(other, large)
	submit(sound, small)
	s.submitWithGnuPG(t, large)
	if err := s.vault.Store().SetPolicy(t.Context(), "Lyon", vault.Policy{Retention: 30, Limit: 30}); err != nil {
		t.Fatal(err)
	}
	s.old = s.pack()
	submit(late)
	s.honest = s.pack()
	stranger := vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t)
	certificate, err := seal.ParseCertificate(stranger, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if s.spy, err = seal.New(seal.Roster{certificate}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return s
}

// submitWithGnuPG submits to a channel where one reviewer has a v4 key.
func (s *scene) submitWithGnuPG(t *testing.T, file desktest.File) {
	t.Helper()
	manifest, err := desktest.Manifest(gnupg, file).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s.vault.Channel = "Lyon"
	sealer := s.vault.Sealer(s.certificate, vaulttest.NewKey(t, vaulttest.V4).Certificate(t))
	s.ids[gnupg] = s.vault.Commit(sealer.Envelope(), s.vault.Seal(sealer, manifest), s.vault.Seal(sealer, file.Data))
	s.vault.Channel = "Nice"
}

// order lets the reviewer delete a submission.
func (s *scene) order(t *testing.T, home string) {
	t.Helper()
	d := desktest.Open(t, home)
	if _, err := d.Import(t.Context(), bytes.NewReader(s.vault.Parcel())); err != nil {
		t.Fatal(err)
	}
	if err := d.OrderDeletion(t.Context(), s.ids[ordered]); err != nil {
		t.Fatal(err)
	}
	p, err := d.PrepareReturn(t.Context(), []byte(desktest.Passphrase))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Write(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if _, err := s.vault.Apply(b.Bytes()); err != nil {
		t.Fatal(err)
	}
}

// pack leaves out the receipt for the order: it was signed in another copy of the
// home that is lied to.
func (s *scene) pack() []byte {
	return s.vault.Forge(s.vault.Parcel(), func(f *desktest.Forgery) {
		maps.DeleteFunc(f.Files, func(name string, _ []byte) bool { return strings.HasPrefix(name, parcel.AppliedFolder) })
	})
}

func (s *scene) messageOf(id string) string {
	for message, known := range s.ids {
		if known == id {
			return message
		}
	}
	return id
}

// payload is the name of a payload in a parcel.
func (s *scene) payload(message string, n int) string {
	return desktest.PayloadName(s.ids[message], n)
}

func (s *scene) envelope(message string) string {
	return "submissions/" + s.ids[message] + "/envelope.pgp"
}
