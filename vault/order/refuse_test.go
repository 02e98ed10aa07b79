package order_test

import (
	"bytes"
	"crypto"
	"errors"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/vault/order"
	"sourdine/vault/vaulttest"
)

const (
	notArmor  = "the signature of an order is not an armored OpenPGP signature"
	several   = "an order has more than one signature"
	trailing  = "there is more than a signature beside an order"
	damaged   = "the signature of an order is damaged, or of a version that this program does not know"
	textMode  = "the signature of an order is one over text, where lines may end otherwise: sign it as binary"
	otherKind = "the signature of an order is not one over a document"
	weakHash  = "the signature of an order uses a weak hash: take SHA-256, SHA-512 or SHA-3"
	sigEnded  = "the signature of an order has expired"
	older     = "the signature of an order is dated before the key that made it: check the clock of the desk"
	unfit     = "the reviewer's key may not sign, or is too weak: RSA needs 3072 bits, and DSA is outdated"
	notCert   = "the reviewer's certificate is not one that this program understands"
)

func armoredKey(t *testing.T, e *openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err == nil {
		err = e.Serialize(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// refused checks that s is refused in these words.
func (s signedOrder) refused(t *testing.T, name, why string) {
	t.Helper()
	err := s.verify(time.Now())
	if err == nil || err.Error() != why {
		t.Errorf("%s: %v, want %q", name, err, why)
	}
	if err != nil {
		checkText(t, name, err)
	}
}

func (s signedOrder) with(signature []byte) signedOrder {
	s.signature = signature
	return s
}

func TestSignatureOfAnother(t *testing.T) {
	for name, kind := range kinds {
		s, other := signed(t, kind), signed(t, kind)
		s.with(other.signature).refused(t, name+" by another reviewer", order.ErrOtherKey.Error())
		forged := s
		forged.certificate = other.certificate
		forged.refused(t, name+" with another's certificate", order.ErrOtherKey.Error())
		forged.with(other.signature).refused(t, name+" with another's certificate and signature", order.ErrOtherKey.Error())
		// Another key that says it is the reviewer's.
		impostor := *other.key.Entity.PrivateKey
		impostor.KeyId, impostor.Fingerprint = s.key.Entity.PrimaryKey.KeyId, s.key.Entity.PrimaryKey.Fingerprint
		lie := signWith(t, s.raw, &impostor, func(*packet.Signature) {})
		s.with(armored(lie)).refused(t, name+" by an impostor", order.ErrAltered.Error())
		// Something else that the reviewer signed.
		else1 := signWith(t, []byte("bonjour"), s.key.Entity.PrivateKey, func(*packet.Signature) {})
		s.with(armored(else1)).refused(t, name+" over something else", order.ErrAltered.Error())
	}
}

// Between the same reviewer's two servers, or two orders, nothing passes.
func TestSignatureOfAnotherOrder(t *testing.T) {
	s := signed(t, vaulttest.X25519)
	for name, change := range map[string]func(*order.Return){
		"sequence": func(r *order.Return) { r.Sequence++ },
		"vault": func(r *order.Return) {
			r.VaultKey, r.Checkpoint = fixedVault(2).public, checkpoint(t, fixedVault(2), 12)
		},
		"deletion": func(r *order.Return) { r.Deletions = "" },
	} {
		r := small(t, fingerprintOf(s.key.Entity))
		change(r)
		other := s
		other.raw = encoded(t, r)
		other.refused(t, name, order.ErrAltered.Error())
	}
}

// A key with a past: made, expired, revoked.
func aged(kind packet.Config, made time.Time, lifetime uint32) packet.Config {
	kind.Time = func() time.Time { return made }
	kind.KeyLifetimeSecs = lifetime
	return kind
}

func TestKeysThatMayNotSign(t *testing.T) {
	lastYear := time.Now().AddDate(-1, 0, 0)
	const month = 30 * 24 * 3600
	for name, kind := range kinds {
		expired := vaulttest.NewKey(t, aged(kind, lastYear, month))
		s := signedOrder{key: expired, raw: encoded(t, small(t, fingerprintOf(expired.Entity))), certificate: expired.Certificate(t)}
		by := expired.Entity.PrivateKey
		s.with(armored(signWith(t, s.raw, by, func(*packet.Signature) {}))).refused(t, name+" expired", order.ErrKeyExpired.Error())
		// Whoever holds an expired key may date a signature as they please.
		s.with(armored(signWith(t, s.raw, by, func(sig *packet.Signature) {
			sig.CreationTime = lastYear.AddDate(0, 0, 1)
		}))).refused(t, name+" expired and backdated", order.ErrKeyExpired.Error())
		if _, err := order.Sign(s.raw, expired.Entity, time.Now()); !errors.Is(err, order.ErrKeyExpired) {
			t.Errorf("%s signed with an expired key: %v", name, err)
		}
		// It was good then: a deletion of that time can still be checked.
		s.signature = armored(signWith(t, s.raw, by, func(sig *packet.Signature) { sig.CreationTime = lastYear.AddDate(0, 0, 1) }))
		if err := s.verify(lastYear.AddDate(0, 0, 2)); err != nil {
			t.Errorf("%s, at that time: %v", name, err)
		}

		for reason, code := range map[string]packet.ReasonForRevocation{"superseded": packet.KeySuperseded, "compromised": packet.KeyCompromised} {
			revoked := vaulttest.NewKey(t, aged(kind, lastYear, 0))
			if err := revoked.Entity.Revoke(code, "EVIL", nil); err != nil {
				t.Fatal(err)
			}
			s := signedOrder{key: revoked, raw: encoded(t, small(t, fingerprintOf(revoked.Entity))), certificate: revoked.Certificate(t)}
			for when, at := range map[string]time.Time{"now": time.Now(), "backdated": lastYear.AddDate(0, 1, 0)} {
				s.with(armored(signWith(t, s.raw, revoked.Entity.PrivateKey, func(sig *packet.Signature) {
					sig.CreationTime = at
				}))).refused(t, name+" "+reason+" "+when, order.ErrKeyRevoked.Error())
			}
		}
	}
}

func TestSubkeysThatMayNotSign(t *testing.T) {
	for _, kind := range []string{"x25519", "v4"} {
		key, config := vaulttest.NewKey(t, kinds[kind]), kinds[kind]
		if err := key.Entity.AddSigningSubkey(&config); err != nil {
			t.Fatal(err)
		}
		sub := &key.Entity.Subkeys[len(key.Entity.Subkeys)-1]
		s := signedOrder{key: key, raw: encoded(t, small(t, fingerprintOf(key.Entity)))}
		signature := armored(signWith(t, s.raw, sub.PrivateKey, func(*packet.Signature) {}))

		// A subkey that did not agree to belong to this primary key.
		binding := sub.Bindings[0].Packet.EmbeddedSignature
		stolen := *key.Entity
		stolen.Subkeys = []openpgp.Subkey{vaulttest.NewKey(t, kinds[kind]).Entity.Subkeys[0]}
		s.certificate = vaulttest.Key{Entity: &stolen}.Certificate(t)
		s.with(signature).refused(t, kind+" by a subkey that the certificate lacks", order.ErrOtherKey.Error())
		if binding == nil {
			t.Fatal("no cross-signature")
		}

		if err := sub.Revoke(packet.KeyRetired, "EVIL", nil); err != nil {
			t.Fatal(err)
		}
		s.certificate = key.Certificate(t)
		s.with(signature).refused(t, kind+" by a revoked subkey", order.ErrKeyRevoked.Error())
	}
	// One that encrypts only.
	key := vaulttest.NewKey(t, slowKinds["rsa3072"])
	s := signedOrder{key: key, raw: encoded(t, small(t, fingerprintOf(key.Entity))), certificate: key.Certificate(t)}
	s.signature = armored(signWith(t, s.raw, key.Entity.Subkeys[0].PrivateKey, func(*packet.Signature) {}))
	s.refused(t, "by a subkey that encrypts", unfit)
}

func TestWeakKeys(t *testing.T) {
	weak := vaulttest.NewKey(t, packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048})
	s := signedOrder{key: weak, raw: encoded(t, small(t, fingerprintOf(weak.Entity))), certificate: weak.Certificate(t)}
	s.with(armored(signWith(t, s.raw, weak.Entity.PrivateKey, func(*packet.Signature) {}))).refused(t, "RSA-2048", unfit)
	if _, err := order.Sign(s.raw, weak.Entity, time.Now()); err == nil || err.Error() != unfit {
		t.Errorf("signed with RSA-2048: %v", err)
	}
}

func TestSignaturesOfOtherKinds(t *testing.T) {
	for name, kind := range kinds {
		s := signed(t, kind)
		by := s.key.Entity.PrivateKey
		made := func(change func(*packet.Signature)) signedOrder {
			return s.with(armored(signWith(t, s.raw, by, change)))
		}
		made(func(sig *packet.Signature) { sig.SigType = packet.SigTypeText }).refused(t, name+" over text", textMode)
		for _, other := range []packet.SignatureType{packet.SigTypeGenericCert, packet.SigTypeDirectSignature, packet.SigTypeKeyRevocation, 0x02, 0x50} {
			made(func(sig *packet.Signature) { sig.SigType = other }).refused(t, name+" of another type", otherKind)
		}
		lifetime := uint32(3600)
		made(func(sig *packet.Signature) {
			sig.CreationTime, sig.SigLifetimeSecs = time.Now().Add(-2*time.Hour), &lifetime
		}).refusedFor(t, name+" expired", sigEnded, older) // the key is younger than two hours
		made(func(sig *packet.Signature) { sig.CreationTime = time.Now().AddDate(-1, 0, 0) }).refused(t, name+" older than its key", older)
		made(func(sig *packet.Signature) {
			sig.Notations = []*packet.Notation{{Name: "evil@example.org", Value: []byte(marker), IsCritical: true}}
		}).refused(t, name+" with a critical notation", "the signature of an order demands something that this program does not know")
		for _, hash := range []crypto.Hash{crypto.SHA384, crypto.SHA512} {
			if err := made(func(sig *packet.Signature) { sig.Hash = hash }).verify(time.Now()); err != nil {
				t.Errorf("%s over %v: %v", name, hash, err)
			}
		}
	}
}

func (s signedOrder) refusedFor(t *testing.T, name string, reasons ...string) {
	t.Helper()
	err := s.verify(time.Now())
	for _, why := range reasons {
		if err != nil && err.Error() == why {
			return
		}
	}
	t.Errorf("%s: %v", name, err)
}

func TestExpiredSignature(t *testing.T) {
	lastYear, lifetime := time.Now().AddDate(-1, 0, 0), uint32(3600)
	key := vaulttest.NewKey(t, aged(vaulttest.V4, lastYear, 0))
	s := signedOrder{key: key, raw: encoded(t, small(t, fingerprintOf(key.Entity))), certificate: key.Certificate(t)}
	s.with(armored(signWith(t, s.raw, key.Entity.PrivateKey, func(sig *packet.Signature) {
		sig.CreationTime, sig.SigLifetimeSecs = time.Now().Add(-2*time.Hour), &lifetime
	}))).refused(t, "expired", sigEnded)
}

func TestWeakHashes(t *testing.T) {
	s := signed(t, vaulttest.V4)
	sound := dearmored(t, s.signature)
	const hashAt = 3 // after version, type and algorithm
	for _, hash := range []byte{0, 1, 2, 3, 4, 5, 6, 7, 11, 13, 99} {
		s.with(armored(altered(t, sound, hashAt, hash))).refused(t, "another hash", weakHash)
	}
}

func body(t *testing.T, binary []byte) []byte {
	t.Helper()
	p, err := packet.NewOpaqueReader(bytes.NewReader(binary)).Next()
	if err != nil {
		t.Fatal(err)
	}
	return p.Contents
}

func TestMoreThanASignature(t *testing.T) {
	for name, kind := range kinds {
		s := signed(t, kind)
		one := dearmored(t, s.signature)
		two := signWith(t, s.raw, s.key.Entity.PrivateKey, func(*packet.Signature) {})
		join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
		marked := []byte{0xCA, 3, 'P', 'G', 'P'} // a marker packet, which readers pass over
		padding := []byte{0xD5, 2, 0, 0}
		comment := []byte("-----BEGIN PGP SIGNATURE-----\nComment: EVIL\n\n")
		for what, c := range map[string]struct {
			signature []byte
			why       string
		}{
			"two packets":             {armored(join(one, two)), several},
			"the same twice":          {armored(join(one, one)), several},
			"two blocks":              {join(s.signature, armored(two)), several},
			"marker before":           {armored(join(marked, one)), damaged},
			"marker behind":           {armored(join(one, marked)), trailing},
			"padding behind":          {armored(join(one, padding)), trailing},
			"zeros behind":            {armored(join(one, make([]byte, 3))), trailing},
			"a certificate behind":    {armored(join(one, s.certificate)), trailing},
			"text behind":             {join(s.signature, []byte(marker)), trailing},
			"a line behind":           {join(s.signature, []byte("\n")), trailing},
			"text before":             {join([]byte(marker), s.signature), notArmor},
			"a line before":           {join([]byte("\n"), s.signature), notArmor},
			"binary":                  {one, notArmor},
			"an armor header":         {bytes.Replace(s.signature, []byte("-----BEGIN PGP SIGNATURE-----\n\n"), append(comment, '\n'), 1), notArmor},
			"lines of Windows":        {bytes.ReplaceAll(s.signature, []byte("\n"), []byte("\r\n")), notArmor},
			"blank lines inside":      {bytes.Replace(armored(one), []byte("\n-----END"), []byte("\n\n-----END"), 1), notArmor},
			"another block":           {bytes.ReplaceAll(s.signature, []byte("SIGNATURE"), []byte("MESSAGE")), notArmor},
			"a certificate":           {armored(s.certificate), damaged},
			"empty":                   {nil, notArmor},
			"an empty block":          {armored(nil), notArmor},
			"cut off":                 {s.signature[:len(s.signature)/2], notArmor},
			"a packet that is cut":    {armored(one[:len(one)-1]), damaged},
			"more inside the packet":  {armored(longer(t, one)), damaged},
			"huge":                    {append(bytes.Clone(s.signature), make([]byte, order.MaxSignature)...), notArmor},
			"of a version of nowhere": {armored(altered(t, one, 0, 7)), damaged},
			"of version 3":            {armored(altered(t, one, 0, 3)), damaged},
		} {
			s.with(c.signature).refused(t, name+" "+what, c.why)
		}
	}
}

// altered changes a byte of the packet's body.
func altered(t *testing.T, binary []byte, at int, to byte) []byte {
	t.Helper()
	b := bytes.Clone(binary)
	b[len(b)-len(body(t, binary))+at] = to
	return b
}

// longer adds to the packet's body what no parser reads.
func longer(t *testing.T, binary []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	p := packet.OpaquePacket{Tag: 2, Contents: append(bytes.Clone(body(t, binary)), marker...)}
	if err := p.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCertificatesThatAreNone(t *testing.T) {
	s := signed(t, vaulttest.V4)
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte(marker), "two": append(bytes.Clone(s.certificate), signed(t, vaulttest.X25519).certificate...),
		"cut off": s.certificate[:30], "huge": append(bytes.Clone(s.certificate), make([]byte, 1<<20)...),
	} {
		other := s
		other.certificate = data
		other.refused(t, name, notCert)
	}
}

// Every byte of a signature, and of what it signs, counts. The few exceptions
// mean the same: four letters of a v4 armor's checksum, and how many bits the
// first byte of a v4 key's numbers has (RFC 9580, sections 6.1 and 3.2).
func TestEveryByteCounts(t *testing.T) {
	exceptions := map[string]int{"v4": 4 + 2*2, "rsa3072": 4 + 2}
	for name, kind := range allKinds() {
		s := signed(t, kind)
		masks := []byte{0x01, 0x20, 0x80}
		step := 1
		if name != "x25519" {
			step = 13 // others take half a millisecond each time
		}
		for at := 0; at < len(s.raw); at += step {
			other := s
			other.raw = bytes.Clone(s.raw)
			other.raw[at] ^= masks[at%3]
			if other.verify(time.Now()) == nil {
				t.Errorf("%s: byte %d of return.json altered: accepted", name, at)
			}
		}
		if len(s.signature) < 1000 {
			step = 1
		}
		accepted := 0
		for at := 0; at < len(s.signature); at += step {
			signature := bytes.Clone(s.signature)
			signature[at] ^= masks[at%3]
			if err := s.with(signature).verify(time.Now()); err == nil {
				accepted++
			} else {
				checkText(t, name, err)
			}
		}
		t.Logf("%s: %d altered signatures of %d accepted, all as the same order", name, accepted, (len(s.signature)+step-1)/step)
		if accepted > exceptions[name] {
			t.Errorf("%s: %d altered signatures accepted", name, accepted)
		}
	}
}

func TestCutAnywhere(t *testing.T) {
	s := signed(t, vaulttest.X25519)
	for n := range s.raw {
		if _, err := order.Decode(s.raw[:n]); err == nil {
			t.Errorf("return.json cut to %d bytes: accepted", n)
		}
	}
	for n := range s.signature {
		if s.with(s.signature[:n]).verify(time.Now()) == nil {
			t.Errorf("return.json.asc cut to %d bytes: accepted", n)
		}
	}
}

// FuzzVerify: a signature that is accepted is one that go-crypto by itself
// accepts too, and it is over this order.
func FuzzVerify(f *testing.F) {
	key := vaulttest.FixedKey(f)
	s := signedOrder{key: key, raw: encoded(f, small(f, fingerprintOf(key.Entity))), certificate: key.Certificate(f)}
	var err error
	if s.signature, err = order.Sign(s.raw, key.Entity, time.Now()); err != nil {
		f.Fatal(err)
	}
	if err := s.verify(time.Now()); err != nil {
		f.Fatal(err)
	}
	f.Add(s.signature)
	f.Add(append(bytes.Clone(s.signature), s.signature...))
	f.Add(armored(append(dearmored(f, s.signature), dearmored(f, s.signature)...)))
	f.Add(s.signature[:len(s.signature)/2])
	f.Fuzz(func(t *testing.T, signature []byte) {
		if err := s.with(signature).verify(time.Now()); err != nil {
			checkText(t, "signature", err)
			return
		}
		ring := openpgp.EntityList{key.Entity}
		if _, _, err := openpgp.VerifyArmoredDetachedSignature(ring, bytes.NewReader(s.raw), bytes.NewReader(signature), nil); err != nil {
			t.Fatalf("accepted, and go-crypto says %v", err)
		}
	})
}
