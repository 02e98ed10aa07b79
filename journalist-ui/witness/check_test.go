package witness

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/vault"
)

// hide makes an envelope's first recipient one without a name.
func hide(tb testing.TB, to person, with []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	key, ok := to.entity.EncryptionKey(noon(sent), nil)
	if !ok {
		tb.Fatal("no key")
	}
	err := packet.SerializeEncryptedKeyAEADwithHiddenOption(&b, key.PublicKey, packet.CipherAES256, true, make([]byte, 32), true, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return append(b.Bytes(), with...)
}

// What is wrong with a submission that came is said of it, each in its own kind.
func TestCheck(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	id := s.submit(nice, sent, p.alice, p.bob)
	other := s.submit(nice, sent, p.alice, p.bob)
	carols := s.submit(lyon, sent, p.carol)
	s.setRoster(nice, later, p.alice, p.bob, p.carol)
	s.setRoster(nice, later, p.carol, p.alice)
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings)
	for name, c := range map[string]struct {
		change func(r *Received)
		want   []Kind
	}{
		"as sent":             {func(r *Received) {}, nil},
		"not in the log":      {func(r *Received) { r.ID = vault.NewID().String() }, []Kind{NotInLog}},
		"no id":               {func(r *Received) { r.ID = "../x" }, []Kind{NotInLog}},
		"another channel":     {func(r *Received) { r.Channel = lyon }, []Kind{ChannelDiffers}},
		"another day":         {func(r *Received) { r.Day = made }, []Kind{DayDiffers}},
		"older epoch":         {func(r *Received) { r.Epoch = 1 }, []Kind{EpochEarlier, RecipientAdded}},
		"no such epoch":       {func(r *Received) { r.Epoch = 9 }, []Kind{RosterUnknown}},
		"payloads swapped":    {func(r *Received) { r.Payloads[1], r.Payloads[2] = r.Payloads[2], r.Payloads[1] }, []Kind{PayloadsSwapped}},
		"another's payload":   {func(r *Received) { r.Payloads[1] = s.subs[other].Payloads[1] }, []Kind{PayloadOfAnother}},
		"payload left out":    {func(r *Received) { r.Payloads = r.Payloads[:2] }, []Kind{PayloadMissing}},
		"payload put in":      {func(r *Received) { r.Payloads = append(r.Payloads, digest("x")) }, []Kind{PayloadAdded}},
		"payload in between":  {func(r *Received) { r.Payloads = slices.Insert(r.Payloads, 2, digest("x")) }, []Kind{PayloadDiffers, PayloadAdded}},
		"another's envelope":  {func(r *Received) { r.Envelope = s.subs[carols].Envelope }, []Kind{RecipientAdded, RecipientMissing}},
		"recipient added":     {func(r *Received) { r.Envelope = append(r.Envelope, sealTo(t, sent, p.mallory)...) }, []Kind{RecipientAdded}},
		"recipient left out":  {func(r *Received) { r.Envelope = sealTo(t, sent, p.alice) }, []Kind{RecipientMissing}},
		"recipient twice":     {func(r *Received) { r.Envelope = append(r.Envelope, sealTo(t, sent, p.bob)...) }, []Kind{RecipientTwice}},
		"recipient exchanged": {func(r *Received) { r.Envelope = sealTo(t, sent, p.alice, p.mallory) }, []Kind{RecipientAdded, RecipientMissing}},
		"recipient hidden":    {func(r *Received) { r.Envelope = hide(t, p.mallory, r.Envelope) }, []Kind{RecipientHidden}},
		"no envelope":         {func(r *Received) { r.Envelope = nil }, []Kind{EnvelopeUnreadable}},
		"torn envelope":       {func(r *Received) { r.Envelope = r.Envelope[:len(r.Envelope)-1] }, []Kind{EnvelopeUnreadable}},
		"new envelope": {func(r *Received) {
			r.Epoch, r.Envelope = 3, sealTo(t, later, p.alice, p.bob, p.carol)
		}, nil},
		"new envelope, old recipients": {func(r *Received) { r.Epoch = 3 }, []Kind{RecipientMissing}},
		"new envelope, one too many":   {func(r *Received) { r.Epoch, r.Envelope = 4, sealTo(t, later, p.alice, p.bob, p.carol) }, []Kind{RecipientAdded}},
		"new envelope, order is free":  {func(r *Received) { r.Epoch, r.Envelope = 4, sealTo(t, later, p.alice, p.carol) }, nil},
		"everything": {func(r *Received) {
			r.Channel, r.Day, r.Payloads, r.Envelope = lyon, made, nil, hide(t, p.mallory, sealTo(t, sent, p.mallory))
		}, []Kind{ChannelDiffers, DayDiffers, PayloadMissing, RecipientHidden, RecipientAdded, RecipientMissing}},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.got(id)
			c.change(&r)
			found := b.Check(r)
			wantKinds(t, found, c.want...)
			for _, f := range found {
				if f.ID != r.ID {
					t.Errorf("%s names %q", f.Kind, f.ID)
				}
				if f.Kind == RecipientMissing && f.Fingerprint == "" || f.Kind == RecipientAdded && f.Key == "" {
					t.Errorf("%+v names nobody", f)
				}
			}
		})
	}
}

// A reviewer whose certificate had expired is left out by an honest server, and
// only then.
func TestExpiredRecipient(t *testing.T) {
	p := people()
	s := newServer(t)
	s.setRoster(nice, made)
	s.setRoster(nice, made, p.alice, p.brief)
	before, after := s.submit(nice, "2026-01-03", p.alice), s.submit(nice, sent, p.alice)
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings)
	wantKinds(t, b.Check(s.got(before)), RecipientMissing)
	wantKinds(t, b.Check(s.got(after)), RecipientExpired)
	if !RecipientExpired.Notice() || RecipientMissing.Notice() {
		t.Error("which is a notice")
	}
}

// Envelopes of SEIPDv1 name key ids only.
func TestCheckOldCertificates(t *testing.T) {
	p := people()
	s := newServer(t)
	s.setRoster(nice, made)
	s.setRoster(nice, made, p.alice, p.oldAnna)
	id := s.submit(nice, sent, p.alice, p.oldAnna)
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings)
	r := s.got(id)
	wantKinds(t, b.Check(r))
	r.Envelope = sealTo(t, sent, p.alice, p.oldAnna, p.oldMax)
	found := b.Check(r)
	wantKinds(t, found, RecipientAdded)
	if want := fmt.Sprintf("%016X", p.oldMax.entity.Subkeys[0].PublicKey.KeyId); found[0].KeyID != want {
		t.Errorf("names %s, not %s", found[0].KeyID, want)
	}
	r.Envelope = sealTo(t, sent, p.oldAnna)
	wantKinds(t, b.Check(r), RecipientMissing)
	r.Envelope = append(sealTo(t, sent, p.oldAnna, p.alice), sealTo(t, sent, p.oldMax, p.oldAnna)...)
	wantKinds(t, b.Check(r), RecipientAdded, RecipientTwice)
}

// Another's expired certificate is no excuse for leaving a reviewer out.
func TestForeignExpiredCertificate(t *testing.T) {
	p := people()
	fake := p.bob
	fake.cert = p.brief.cert
	s := newServer(t)
	s.setRoster(nice, made)
	s.setRoster(nice, made, p.alice, fake)
	id := s.submit(nice, sent, p.alice)
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings, CertificateDiffers)
	wantKinds(t, b.Check(s.got(id)), RecipientMissing)
}

// A subkey that the server hangs on a reviewer's certificate is nobody's.
func TestForeignSubkey(t *testing.T) {
	p := people()
	forged := p.bob
	var b bytes.Buffer
	for _, part := range [][]byte{p.bob.cert, subkeyPackets(t, p.mallory)} {
		b.Write(part)
	}
	forged.cert = b.Bytes()
	s := newServer(t)
	s.setRoster(nice, made)
	s.setRoster(nice, made, p.alice, forged)
	id := s.submit(nice, sent, p.alice, p.mallory)
	book := newBook(t, s)
	s.mustTell(book)
	wantKinds(t, book.Check(s.got(id)), RecipientAdded, RecipientMissing)
}

// subkeyPackets are a certificate's encryption subkey and its binding.
func subkeyPackets(t *testing.T, p person) []byte {
	var b bytes.Buffer
	sub := p.entity.Subkeys[0]
	if err := sub.Serialize(&b, false); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A roster's file that changes on the desk's disk is found, and mended by the
// next parcel that brings it.
func TestRosterFileDiffers(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	id := s.submit(nice, sent, p.alice, p.bob)
	b := newBook(t, s)
	s.mustTell(b)
	sum := sumOf(mustJSON(s.rosters[nice]))
	path := b.fs.(disk).at(rosterFile(sum))
	write(t, path, bytes.Replace(s.files[sum], []byte("Alice"), []byte("Alicf"), 1))
	b = openBook(t, b.fs.(disk).folder, s)
	wantKinds(t, b.Check(s.got(id)), RosterFileDiffers)
	found, err := b.Audit(context.Background(), s.all(p.alice))
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, found, RosterFileDiffers)
	s.mustTell(b)
	wantKinds(t, b.Check(s.got(id)))
}
