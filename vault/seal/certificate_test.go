package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

func armored(t testing.TB, kind string, binary []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err == nil {
		_, err = w.Write(binary)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func armoredCertificate(t testing.TB, binary []byte) []byte {
	return armored(t, openpgp.PublicKeyType, binary)
}

// with changes a key before its certificate is taken.
func with(t testing.TB, kind packet.Config, change func(*openpgp.Entity) error) []byte {
	t.Helper()
	k := vaulttest.NewKey(t, kind)
	if err := change(k.Entity); err != nil {
		t.Fatal(err)
	}
	return k.Certificate(t)
}

func rsa(bits int) packet.Config {
	return packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: bits, DefaultCipher: packet.CipherAES256}
}

// at makes keys that began years from now, and live so many seconds (0: for ever).
func at(kind packet.Config, years int, lifetime uint32) packet.Config {
	kind.Time = func() time.Time { return time.Now().AddDate(years, 0, 0) }
	kind.KeyLifetimeSecs = lifetime
	return kind
}

func private(t testing.TB, kind packet.Config, lock string) []byte {
	t.Helper()
	k := vaulttest.NewKey(t, kind)
	if lock != "" {
		if err := k.Entity.EncryptPrivateKeys([]byte(lock), nil); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := k.Entity.SerializePrivateWithoutSigning(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	notOpenPGP = "not an OpenPGP certificate that this program understands"
	noKey      = "the certificate has no key that can encrypt"
	expired    = "the certificate has expired"
	revoked    = "the certificate is revoked"
	tooWeak    = "the certificate is too weak: "
	several    = "the file holds several certificates instead of one"
	badArmor   = "the armor of the certificate is damaged"
)

var kinds = map[string]packet.Config{"post-quantum": vaulttest.PostQuantum, "x25519": vaulttest.X25519, "v4": vaulttest.V4}

// refused checks that data is refused for that reason, armored too.
func refused(t *testing.T, name string, data []byte, reason string) {
	t.Helper()
	for form, data := range map[string][]byte{"binary": data, "armored": armoredCertificate(t, data)} {
		_, err := seal.ParseCertificate(data, time.Now())
		if err == nil {
			t.Errorf("%s, %s: accepted", name, form)
		} else if !strings.HasPrefix(err.Error(), reason) || strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%s, %s: %q, want %q", name, form, err, reason)
		}
	}
}

func TestCertificatesThatProtectNothing(t *testing.T) {
	for name, kind := range kinds {
		refused(t, name+" expired", vaulttest.NewKey(t, at(kind, -2, 3600)).Certificate(t), expired)
		refused(t, name+" from the future", vaulttest.NewKey(t, at(kind, 2, 0)).Certificate(t), "the certificate is valid only from ")
		refused(t, name+" revoked", with(t, kind, func(e *openpgp.Entity) error {
			return e.Revoke(packet.KeySuperseded, "EVIL", nil)
		}), revoked)
		refused(t, name+" compromised", with(t, kind, func(e *openpgp.Entity) error {
			return e.Revoke(packet.KeyCompromised, "EVIL", nil)
		}), revoked)
		refused(t, name+" with its subkey revoked", with(t, kind, func(e *openpgp.Entity) error {
			return e.Subkeys[0].Revoke(packet.KeyRetired, "EVIL", nil)
		}), revoked)
		refused(t, name+" that signs only", with(t, kind, func(e *openpgp.Entity) error { e.Subkeys = nil; return nil }), noKey)
		refused(t, name+" with a forged binding", with(t, kind, func(e *openpgp.Entity) error {
			e.Subkeys[0].Bindings = vaulttest.NewKey(t, kind).Entity.Subkeys[0].Bindings
			return nil
		}), noKey)
		refused(t, name+" with another's subkey", with(t, kind, func(e *openpgp.Entity) error {
			e.Subkeys = vaulttest.NewKey(t, kind).Entity.Subkeys
			return nil
		}), noKey)
	}
	refused(t, "RSA-1024", vaulttest.NewKey(t, rsa(1024)).Certificate(t), tooWeak)
	refused(t, "RSA-2048", vaulttest.NewKey(t, rsa(2048)).Certificate(t), tooWeak)
	refused(t, "RSA-3071", vaulttest.NewKey(t, rsa(3071)).Certificate(t), tooWeak)
	refused(t, "DSA and ElGamal", dsaElGamal(t), tooWeak)
}

func TestPrivateKeys(t *testing.T) {
	for name, kind := range kinds {
		public := vaulttest.NewKey(t, kind).Certificate(t)
		for lock, secret := range map[string][]byte{"unlocked": private(t, kind, ""), "locked": private(t, kind, "secret")} {
			for form, data := range map[string][]byte{
				"binary":                           secret,
				"armored":                          armored(t, openpgp.PrivateKeyType, secret),
				"armored as public":                armoredCertificate(t, secret),
				"behind a certificate":             append(bytes.Clone(public), secret...),
				"before a certificate":             append(bytes.Clone(secret), public...),
				"armored behind a certificate":     append(armoredCertificate(t, public), armored(t, openpgp.PrivateKeyType, secret)...),
				"its subkey behind a certificate":  append(bytes.Clone(public), lastSecretSubkey(t, secret)...),
				"of an algorithm nobody knows":     unknownAlgorithm(t, secret),
				"unknown, behind a certificate":    append(bytes.Clone(public), unknownAlgorithm(t, secret)...),
				"cut off, with its secret in full": secret[:len(secret)-10],
			} {
				if _, err := seal.ParseCertificate(data, time.Now()); !errors.Is(err, seal.ErrPrivateKey) {
					t.Errorf("%s, %s, %s: %v", name, lock, form, err)
				}
			}
		}
	}
}

// packets cuts a key into its packets.
func packets(t testing.TB, data []byte) []*packet.OpaquePacket {
	t.Helper()
	var all []*packet.OpaquePacket
	r := packet.NewOpaqueReader(bytes.NewReader(data))
	for {
		p, err := r.Next()
		if err != nil {
			return all
		}
		all = append(all, p)
	}
}

func joined(t testing.TB, packets ...*packet.OpaquePacket) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, p := range packets {
		if err := p.Serialize(&b); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func lastSecretSubkey(t testing.TB, secret []byte) []byte {
	t.Helper()
	const tagSecretSubkey = 7
	all := packets(t, secret)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Tag == tagSecretSubkey {
			return joined(t, all[i:]...)
		}
	}
	t.Fatal("no secret subkey")
	return nil
}

// unknownAlgorithm changes the public-key algorithm of every key in data.
func unknownAlgorithm(t testing.TB, data []byte) []byte {
	t.Helper()
	const algorithmAt = 5 // after the version and the time, RFC 9580, section 5.5.2
	all := packets(t, data)
	for _, p := range all {
		if p.Tag == 5 || p.Tag == 6 || p.Tag == 7 || p.Tag == 14 {
			p.Contents[algorithmAt] = 99
		}
	}
	return joined(t, all...)
}

func TestSeveralCertificates(t *testing.T) {
	for name, kind := range kinds {
		one, two := vaulttest.NewKey(t, kind).Certificate(t), vaulttest.NewKey(t, vaulttest.V4).Certificate(t)
		refused(t, name+" two", append(bytes.Clone(one), two...), several)
		refused(t, name+" the same twice", append(bytes.Clone(one), one...), several)
		refused(t, name+" and one of an algorithm nobody knows", append(bytes.Clone(one), unknownAlgorithm(t, two)...), several)
		refused(t, name+" behind one of an algorithm nobody knows", append(unknownAlgorithm(t, two), one...), several)
		blocks := append(armoredCertificate(t, one), armoredCertificate(t, two)...)
		if _, err := seal.ParseCertificate(blocks, time.Now()); err == nil || err.Error() != several {
			t.Errorf("%s two armored blocks: %v", name, err)
		}
	}
}

func TestNotACertificate(t *testing.T) {
	good := vaulttest.NewKey(t, vaulttest.V4)
	s := sealer(t, good)
	for name, data := range map[string][]byte{
		"empty":                nil,
		"blanks":               []byte(" \n"),
		"text":                 []byte("bonjour EVIL\x1b[2J"),
		"zeros":                make([]byte, 1000),
		"noise":                append([]byte{0x01}, random(1000)...),
		"a message":            append(s.Envelope(), payload(t, s, []byte("x"), 1)...),
		"JSON":                 []byte(`{"certificate":""}`),
		"an unknown algorithm": unknownAlgorithm(t, good.Certificate(t)),
	} {
		if _, err := seal.ParseCertificate(data, time.Now()); err == nil || err.Error() != notOpenPGP {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, data := range map[string]string{
		"only the first line":  "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
		"a broken first line":  "-----BEGIN PGP PUBLIC KEY BLOCK\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
		"nothing between":      "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n",
		"not base64":           "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n<EVIL>\n-----END PGP PUBLIC KEY BLOCK-----\n",
		"another kind's block": "-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n",
		"a TLS certificate":    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
	} {
		_, err := seal.ParseCertificate([]byte(data), time.Now())
		if err == nil || err.Error() != notOpenPGP && err.Error() != badArmor {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHugeFiles(t *testing.T) {
	certificate := vaulttest.NewKey(t, vaulttest.V4).Certificate(t)
	_, err := seal.ParseCertificate(make([]byte, seal.MaxCertificate+1), time.Now())
	if err == nil || err.Error() != fmt.Sprintf("the certificate is larger than %d bytes", seal.MaxCertificate) {
		t.Errorf("over the limit: %v", err)
	}
	// Full to the limit with packets that mean nothing.
	filler := append(bytes.Clone(certificate), 0xff, 0xff)
	size := seal.MaxCertificate - len(filler) - 4
	filler = append(filler, byte(size>>24), byte(size>>16), byte(size>>8), byte(size))
	filler = append(filler, make([]byte, size)...)
	start := time.Now()
	if _, err := seal.ParseCertificate(filler, time.Now()); err != nil && err.Error() != notOpenPGP {
		t.Errorf("a large packet of an unknown kind: %v", err)
	}
	// A thousand subkeys, each to be verified.
	all := packets(t, certificate)
	many := bytes.Clone(certificate)
	for len(many)+len(certificate) < seal.MaxCertificate {
		many = append(many, joined(t, all[len(all)-2:]...)...)
	}
	if _, err := seal.ParseCertificate(many, time.Now()); err != nil {
		t.Errorf("many subkeys: %v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("reading two files of %d bytes took %v", seal.MaxCertificate, d)
	}
}

// What arrives cut off is refused, wherever it is cut.
func TestTruncatedCertificates(t *testing.T) {
	for name, kind := range kinds {
		whole := vaulttest.NewKey(t, kind).Certificate(t)
		step := 1 + len(whole)/400
		for n := 0; n < len(whole); n += step {
			if _, err := seal.ParseCertificate(whole[:n], time.Now()); err == nil {
				t.Errorf("%s cut to %d of %d bytes: accepted", name, n, len(whole))
			}
		}
		text := armoredCertificate(t, whole)
		end := bytes.LastIndex(text, []byte("\n-----END"))
		for n := 0; n < end; n += 1 + end/200 {
			c, err := seal.ParseCertificate(text[:n], time.Now())
			if err != nil {
				continue
			}
			// The checksum's line may be missing (RFC 9580, section 6.1).
			if got, err := c.Marshal(); err != nil || !bytes.Equal(got, whole) {
				t.Errorf("%s armored, cut to %d of %d bytes: accepted with other content, %v", name, n, len(text), err)
			}
		}
	}
}

// A flipped bit is noticed, or was in a part that protects nothing: then the
// certificate is still the same one.
func TestAlteredCertificates(t *testing.T) {
	for name, kind := range kinds {
		key := vaulttest.NewKey(t, kind)
		whole := key.Certificate(t)
		want := certificate(t, key).Fingerprint()
		for at := 0; at < len(whole); at += 1 + len(whole)/300 {
			altered := bytes.Clone(whole)
			altered[at] ^= 1 << (at % 8)
			got, err := seal.ParseCertificate(altered, time.Now())
			if err != nil {
				continue
			}
			s, err := seal.New(seal.Roster{got}, time.Now())
			if err != nil || got.Fingerprint() != want {
				t.Errorf("%s, byte %d: %s, %v", name, at, got.Fingerprint(), err)
				continue
			}
			if plain, err := key.Open(s.Envelope(), bytes.NewReader(payload(t, s, []byte("x"), 1))); err != nil || string(plain) != "x" {
				t.Errorf("%s, byte %d: sealed to it, it does not open: %v", name, at, err)
			}
		}
	}
}

func TestAccepted(t *testing.T) {
	for name, kind := range map[string]packet.Config{
		"v6 post-quantum": vaulttest.PostQuantum, "v6 X25519": vaulttest.X25519, "v4 Curve25519": vaulttest.V4,
		"v4 RSA-3072": rsa(3072), "v4 that expires in a year": at(vaulttest.V4, 0, 365*24*3600),
	} {
		key := vaulttest.NewKey(t, kind)
		binary := key.Certificate(t)
		text := armoredCertificate(t, binary)
		windows := bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
		for form, data := range map[string][]byte{"binary": binary, "armored": text, "blank lines around": []byte("\n\n" + string(text) + "\n \n"), "from Windows": windows} {
			c, err := seal.ParseCertificate(data, time.Now())
			if err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
				continue
			}
			if want := strings.ToUpper(fmt.Sprintf("%x", key.Entity.PrimaryKey.Fingerprint)); c.Fingerprint() != want {
				t.Errorf("%s, %s: fingerprint %s, want %s", name, form, c.Fingerprint(), want)
			}
			if version := map[byte]int{'6': 6, '4': 4}[name[1]]; c.Version() != version {
				t.Errorf("%s, %s: version %d", name, form, c.Version())
			}
			marshalled, err := c.Marshal()
			if err != nil || !bytes.Equal(marshalled, binary) {
				t.Errorf("%s, %s: Marshal gave other bytes, %v", name, form, err)
			}
		}
	}
}

func TestValidAtOverExpiry(t *testing.T) {
	for name, kind := range kinds {
		const lifetime = 3600
		start := time.Now()
		c := certificate(t, vaulttest.NewKey(t, at(kind, 0, lifetime)))
		for after, want := range map[time.Duration]bool{
			0: true, 59 * time.Minute: true, lifetime*time.Second + 5*time.Second: false, 100 * 365 * 24 * time.Hour: false, -time.Hour: false,
		} {
			if got := c.ValidAt(start.Add(after)); got != want {
				t.Errorf("%s after %v: ValidAt = %v", name, after, got)
			}
		}
		// Asking about another time has not changed what is true now.
		if !c.ValidAt(start) {
			t.Errorf("%s: no longer valid now", name)
		}
		if _, err := seal.New(seal.Roster{c}, start.Add(2*time.Hour)); err == nil {
			t.Errorf("%s: sealed to an expired certificate", name)
		}
		forever := certificate(t, vaulttest.NewKey(t, kind))
		if !forever.ValidAt(start.AddDate(50, 0, 0)) {
			t.Errorf("%s: a certificate without an end is not valid in fifty years", name)
		}
	}
}

// FuzzParseCertificate: never a panic, and what is accepted comes back under
// the same name from its binary form.
func FuzzParseCertificate(f *testing.F) {
	for _, kind := range kinds {
		c := vaulttest.NewKey(f, kind).Certificate(f)
		f.Add(c)
		f.Add(armoredCertificate(f, c))
		f.Add(c[:len(c)/2])
		f.Add(private(f, kind, ""))
	}
	f.Add([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n=AAAA\n-----END PGP PUBLIC KEY BLOCK-----"))
	f.Add(dsaElGamal(f))
	now := time.Now()
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := seal.ParseCertificate(data, now)
		if err != nil {
			return
		}
		binary, err := c.Marshal()
		if err != nil {
			t.Fatalf("accepted and not marshalled: %v", err)
		}
		again, err := seal.ParseCertificate(binary, now)
		if err != nil || again.Fingerprint() != c.Fingerprint() {
			t.Fatalf("accepted as %s, and from its binary form: %v", c.Fingerprint(), err)
		}
	})
}
