package order_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/submit/mailbox"
	"sourdine/vault/order"
	"sourdine/vault/vaulttest"
)

func TestRoundTrip(t *testing.T) {
	for name, kind := range allKinds() {
		s := signed(t, kind)
		want := small(t, fingerprintOf(s.key.Entity))
		got, err := order.Verify(s.raw, s.signature, s.certificate, time.Now())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if !bytes.Equal(encoded(t, want), s.raw) {
			t.Errorf("%s: encoded in two ways", name)
		}
		if _, err := order.Verify(s.raw, s.signature, armoredKey(t, s.key.Entity), time.Now()); err != nil {
			t.Errorf("%s, with an armored certificate: %v", name, err)
		}
		vaultKey, reviewer, err := order.Names(s.raw)
		if err != nil || vaultKey != want.VaultKey || reviewer != want.Reviewer {
			t.Errorf("%s: names %s and %s, %v", name, vaultKey, reviewer, err)
		}
		t.Logf("%s: return.json.asc takes %d bytes", name, len(s.signature))
	}
}

func TestNothingOrdered(t *testing.T) {
	key := vaulttest.NewKey(t, vaulttest.X25519)
	raw := encoded(t, &order.Return{VaultKey: fixedVault(1).public, Reviewer: fingerprintOf(key.Entity), Sequence: 1})
	signature, err := order.Sign(raw, key.Entity, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, err := order.Verify(raw, signature, key.Certificate(t), time.Now())
	if err != nil || r.Seen != 0 || r.Deletions != "" || len(r.Acknowledged)+len(r.Opened)+len(r.Replies)+len(r.Envelopes) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A signing subkey signs for its primary key, whose fingerprint names the
// reviewer.
func TestSigningSubkey(t *testing.T) {
	for _, kind := range []string{"x25519", "v4"} {
		key := vaulttest.NewKey(t, kinds[kind])
		config := kinds[kind]
		if err := key.Entity.AddSigningSubkey(&config); err != nil {
			t.Fatal(err)
		}
		s := signedOrder{key: key, raw: encoded(t, small(t, fingerprintOf(key.Entity))), certificate: key.Certificate(t)}
		var err error
		if s.signature, err = order.Sign(s.raw, key.Entity, time.Now()); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if err := s.verify(time.Now()); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if sub := key.Entity.Subkeys[len(key.Entity.Subkeys)-1].PublicKey; !issuedBy(t, s.signature, sub) {
			t.Errorf("%s: signed with another key than the subkey", kind)
		}
	}
}

func issuedBy(t *testing.T, signature []byte, key *packet.PublicKey) bool {
	t.Helper()
	return bytes.Equal(parsed(t, signature).IssuerFingerprint, key.Fingerprint)
}

func parsed(t *testing.T, signature []byte) *packet.Signature {
	t.Helper()
	p, err := packet.Read(bytes.NewReader(dearmored(t, signature)))
	if err != nil {
		t.Fatal(err)
	}
	return p.(*packet.Signature)
}

// A signature tells the server the day on which it was made, and no more.
func TestSignatureTellsTheDay(t *testing.T) {
	for name, kind := range kinds {
		made := time.Now().AddDate(0, 0, -3)
		kind.Time = func() time.Time { return made }
		s := signed(t, kind)
		if at := parsed(t, s.signature).CreationTime; !at.Equal(time.Now().UTC().Truncate(24 * time.Hour)) {
			t.Errorf("%s: the signature tells %s", name, at)
		}
		for days := range 30 {
			if err := s.verify(time.Now().AddDate(0, 0, days)); err != nil {
				t.Errorf("%s: %d days later: %v", name, days, err)
			}
		}
	}
}

// A desk whose clock is hours ahead makes orders that count.
func TestClockAhead(t *testing.T) {
	for name, kind := range kinds {
		s := signed(t, kind) // with a key of this second, so that its signature is of this second too
		at := parsed(t, s.signature).CreationTime
		if err := s.verify(at.Add(-24 * time.Hour)); err != nil {
			t.Errorf("%s: 24 h behind: %v", name, err)
		}
		err := s.verify(at.Add(-24*time.Hour - time.Second))
		want := "the signature of an order is dated " + at.UTC().Format(time.DateOnly) + ", in the future: check the clocks of desk and server"
		if err == nil || err.Error() != want {
			t.Errorf("%s: more than a day behind: %v", name, err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	s := signed(t, vaulttest.V4)
	other := vaulttest.NewKey(t, vaulttest.V4)
	if _, err := order.Sign(s.raw, other.Entity, time.Now()); !errors.Is(err, order.ErrOtherKey) {
		t.Errorf("for another reviewer: %v", err)
	}
	if _, err := order.Sign(append(bytes.Clone(s.raw), '\n'), s.key.Entity, time.Now()); err == nil {
		t.Error("signed what is not an order")
	}
	if _, err := order.Sign(s.raw, s.key.Entity, time.Now().AddDate(-1, 0, 0)); err == nil || !bytes.Contains([]byte(err.Error()), []byte("check the clock of this machine")) {
		t.Errorf("a clock a year behind: %v", err)
	}
	ring, err := openpgp.ReadKeyRing(bytes.NewReader(s.certificate))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := order.Sign(s.raw, ring[0], time.Now()); err == nil || err.Error() != "the reviewer's key has no private part that signs" {
		t.Errorf("with a certificate: %v", err)
	}
	if err := s.key.Entity.EncryptPrivateKeys([]byte("words"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := order.Sign(s.raw, s.key.Entity, time.Now()); !errors.Is(err, order.ErrLocked) {
		t.Errorf("with a locked key: %v", err)
	}
	// The desk unlocks what it needs, here the part that signs.
	if err := s.key.Entity.PrivateKey.Decrypt([]byte("words")); err != nil {
		t.Fatal(err)
	}
	if _, err := order.Sign(s.raw, s.key.Entity, time.Now()); err != nil {
		t.Errorf("with its signing part unlocked: %v", err)
	}
}

// The desk reads a mailbox's name off the certificate in the manifest, the
// server off the locked key that it stores.
func TestMailboxOf(t *testing.T) {
	access, err := mailbox.NewDeriver([]byte("0123456789abcdef")).Derive(t.Context(), []byte("eight words"))
	if err != nil {
		t.Fatal(err)
	}
	key, locked, err := access.Generate()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := key.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := openpgp.ReadKeyRing(bytes.NewReader(certificate))
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{"certificate": certificate, "locked key": locked} {
		if got, err := order.MailboxOf(raw); err != nil || got != fingerprintOf(ring[0]) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		for n := range 40 {
			if _, err := order.MailboxOf(raw[:n]); err == nil {
				t.Errorf("%s cut to %d bytes: accepted", name, n)
			}
		}
	}
	v4 := vaulttest.NewKey(t, vaulttest.V4).Certificate(t)
	for name, raw := range map[string][]byte{
		"empty": nil, "text": []byte("bonjour"), "a v4 key": v4,
		"a length beyond its packet": append([]byte{0xC6, 10, 6, 0, 0, 0, 0, 27, 0xFF, 0xFF, 0xFF, 0xFF}, certificate...),
		"a signature":                {0xC2, 10, 6, 0, 0, 0, 0, 27, 0, 0, 0, 0},
	} {
		if got, err := order.MailboxOf(raw); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}
