package unseal_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/journalist-ui/unseal"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

var kinds = map[string]packet.Config{
	"post-quantum": vaulttest.PostQuantum, "x25519": vaulttest.X25519, "v4": vaulttest.V4,
}

func newKey(t testing.TB, k vaulttest.Key) *unseal.Key {
	t.Helper()
	key, err := unseal.NewKey(k.Entity)
	if err != nil {
		t.Fatalf("NewKey: %v", err)
	}
	return key
}

func newSealer(t testing.TB, keys ...vaulttest.Key) *seal.Sealer {
	t.Helper()
	var roster seal.Roster
	for _, k := range keys {
		c, err := seal.ParseCertificate(k.Certificate(t), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		roster = append(roster, c)
	}
	s, err := seal.New(roster, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sealed(t testing.TB, s *seal.Sealer, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := s.Item(&b)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func open(k *unseal.Key, envelope, payload []byte) ([]byte, error) {
	r, err := k.Open(envelope, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestRoundTrip(t *testing.T) {
	for name, kind := range kinds {
		k := vaulttest.NewKey(t, kind)
		key, s := newKey(t, k), newSealer(t, k)
		for _, size := range []int{0, 1, 22, 23, 4083, 4084, 4096, 65535, 65536, 65537, 131072, 1 << 20} {
			plain := random(size)
			payload := sealed(t, s, plain)
			for step, wrap := range map[string]func(io.Reader) io.Reader{
				"whole": func(r io.Reader) io.Reader { return r }, "data with EOF": iotest.DataErrReader,
				"halves": iotest.HalfReader,
			} {
				r, err := key.Open(s.Envelope(), wrap(bytes.NewReader(payload)))
				if err != nil {
					t.Fatalf("%s, %d bytes, %s: %v", name, size, step, err)
				}
				got, err := io.ReadAll(iotest.OneByteReader(r))
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("%s, %d bytes, %s: got %d bytes, %v", name, size, step, len(got), err)
				}
				if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Fatalf("%s: read after the end: %d, %v", name, n, err)
				}
			}
		}
	}
}

// mustFail opens and accepts nothing but ErrDamaged, which must then stay.
func mustFail(t *testing.T, what string, k *unseal.Key, envelope, payload []byte) {
	t.Helper()
	r, err := k.Open(envelope, bytes.NewReader(payload))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
		if _, again := r.Read(make([]byte, 1)); again != err {
			t.Errorf("%s: first %v, then %v", what, err, again)
		}
	}
	if !errors.Is(err, unseal.ErrDamaged) {
		t.Errorf("%s: got %v", what, err)
	}
}

// A payload cut anywhere must not end cleanly, above all not at the edges of
// AEAD chunks and of partial lengths, where a lax reader sees a clean end.
func TestCutPayload(t *testing.T) {
	for name, kind := range kinds {
		k := vaulttest.NewKey(t, kind)
		key, s := newKey(t, k), newSealer(t, k)
		whole := sealed(t, s, random(200_000))
		cuts := map[int]bool{}
		for _, chunk := range []int{0, 64 << 10, 64<<10 + 16, 128 << 10, 128<<10 + 32, 192 << 10, 192<<10 + 48} {
			for around := -60; around <= 60; around++ {
				cuts[chunk+around], cuts[len(whole)-chunk+around] = true, true
			}
		}
		for n := range cuts {
			if n >= 0 && n < len(whole) {
				mustFail(t, fmt.Sprintf("%s cut to %d of %d", name, n, len(whole)), key, s.Envelope(), whole[:n])
			}
		}
	}
}

func TestEveryCutOfASmallPayload(t *testing.T) {
	for name, kind := range kinds {
		k := vaulttest.NewKey(t, kind)
		key, s := newKey(t, k), newSealer(t, k)
		whole := sealed(t, s, random(3000))
		for n := range whole {
			mustFail(t, fmt.Sprintf("%s cut to %d", name, n), key, s.Envelope(), whole[:n])
		}
	}
}

func TestFlippedBit(t *testing.T) {
	for name, kind := range kinds {
		k := vaulttest.NewKey(t, kind)
		key, s := newKey(t, k), newSealer(t, k)
		whole := sealed(t, s, random(70_000))
		for i := 0; i < len(whole); i += 1 + i/40 {
			altered := bytes.Clone(whole)
			altered[i] ^= 1
			mustFail(t, fmt.Sprintf("%s, bit in byte %d of %d", name, i, len(whole)), key, s.Envelope(), altered)
		}
	}
}

func TestFlippedBitInEnvelope(t *testing.T) {
	for name, kind := range kinds {
		k := vaulttest.NewKey(t, kind)
		key, s := newKey(t, k), newSealer(t, k)
		payload := sealed(t, s, []byte("bonjour"))
		for i := range s.Envelope() {
			altered := bytes.Clone(s.Envelope())
			altered[i] ^= 1
			got, err := open(key, altered, payload)
			if !errors.Is(err, unseal.ErrDamaged) && !errors.Is(err, unseal.ErrNotForKey) {
				// An X25519 point has one bit that does not count (RFC 7748, section 5); v4 ECDH likewise.
				if err != nil || string(got) != "bonjour" {
					t.Errorf("%s, byte %d: %q, %v", name, i, got, err)
				}
			}
		}
	}
}

func TestForeignParts(t *testing.T) {
	pq, v4 := vaulttest.NewKey(t, vaulttest.PostQuantum), vaulttest.NewKey(t, vaulttest.V4)
	key := newKey(t, pq)
	one, two, old := newSealer(t, pq), newSealer(t, pq), newSealer(t, pq, v4)
	payload := sealed(t, one, []byte("one"))
	for what, parts := range map[string][2][]byte{
		"another submission's payload":  {one.Envelope(), sealed(t, two, []byte("two"))},
		"another submission's envelope": {two.Envelope(), payload},
		"a SEIPDv1 payload":             {one.Envelope(), sealed(t, old, []byte("old"))},
		"an envelope for SEIPDv1":       {old.Envelope(), payload},
		"no envelope":                   {nil, payload},
		"a huge envelope":               {bytes.Repeat(one.Envelope(), unseal.MaxEnvelope/1000), payload},
		"a payload in the envelope":     {append(bytes.Clone(one.Envelope()), payload...), payload},
		"an envelope in the payload":    {one.Envelope(), append(bytes.Clone(one.Envelope()), payload...)},
		"an envelope cut off":           {one.Envelope()[:500], payload},
		"no payload":                    {one.Envelope(), nil},
		"text":                          {one.Envelope(), []byte("hello")},
		"garbage after":                 {one.Envelope(), append(bytes.Clone(payload), 0)},
		"two payloads":                  {one.Envelope(), append(bytes.Clone(payload), payload...)},
		"a marker packet after":         {one.Envelope(), append(bytes.Clone(payload), 0xca, 3, 'P', 'G', 'P')},
		"a padding packet after":        {one.Envelope(), append(bytes.Clone(payload), 0xd5, 1, 0)},
	} {
		mustFail(t, what, key, parts[0], parts[1])
	}
	if got, err := open(newKey(t, v4), old.Envelope(), sealed(t, old, []byte("old"))); err != nil || string(got) != "old" {
		t.Errorf("the v4 member: %q, %v", got, err)
	}
}

// compose makes a SEIPDv2 message of packets that package seal never writes.
func compose(t *testing.T, k vaulttest.Key, inside func(w io.WriteCloser) error) (envelope, payload []byte) {
	t.Helper()
	config := &packet.Config{AEADConfig: &packet.AEADConfig{DefaultMode: packet.AEADModeGCM}}
	enc, ok := k.Entity.EncryptionKey(time.Now(), config)
	if !ok {
		t.Fatal("no encryption key")
	}
	session := random(32)
	var e, p bytes.Buffer
	if err := packet.SerializeEncryptedKeyAEAD(&e, enc.PublicKey, packet.CipherAES256, true, session, config); err != nil {
		t.Fatal(err)
	}
	suite := packet.CipherSuite{Cipher: packet.CipherAES256, Mode: packet.AEADModeGCM}
	w, err := packet.SerializeSymmetricallyEncrypted(&p, suite.Cipher, true, suite, session, config)
	if err == nil {
		err = inside(nopCloser{w})
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return e.Bytes(), p.Bytes()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func literal(w io.WriteCloser, text string) error {
	l, err := packet.SerializeLiteral(w, true, "", 0)
	if err == nil {
		_, err = io.WriteString(l, text)
	}
	return errors.Join(err, l.Close())
}

// Messages that are sound OpenPGP, authentic, and not ours.
func TestForeignPackets(t *testing.T) {
	k := vaulttest.NewKey(t, vaulttest.X25519)
	key := newKey(t, k)
	for what, inside := range map[string]func(w io.WriteCloser) error{
		"compressed": func(w io.WriteCloser) error {
			c, err := packet.SerializeCompressed(w, packet.CompressionZLIB, nil)
			return errors.Join(err, literal(c, strings.Repeat("a", 1000)), c.Close())
		},
		"two literals": func(w io.WriteCloser) error { return errors.Join(literal(w, "a"), literal(w, "b")) },
		"padding first": func(w io.WriteCloser) error {
			return errors.Join(packet.Padding(9).SerializePadding(w, rand.Reader), literal(w, "a"))
		},
		"nothing": func(io.WriteCloser) error { return nil },
		"a literal cut off": func(w io.WriteCloser) error {
			_, err := w.Write([]byte{0xcb, 20, 'b', 0, 0, 0, 0, 0, 'x'})
			return err
		},
		"a literal without end": func(w io.WriteCloser) error {
			_, err := w.Write([]byte{0xaf, 'b', 0, 0, 0, 0, 0, 'x'})
			return err
		},
		"a part without end": func(w io.WriteCloser) error {
			_, err := w.Write([]byte{0xcb, 224 + 3, 'b', 0, 0, 0, 0, 0, 'x', 'y'})
			return err
		},
		"padding cut off": func(w io.WriteCloser) error {
			_, err := w.Write([]byte{0xd5, 20, 1})
			return errors.Join(literal(w, "a"), err)
		},
	} {
		envelope, payload := compose(t, k, inside)
		mustFail(t, what, key, envelope, payload)
	}
	envelope, payload := compose(t, k, func(w io.WriteCloser) error { return literal(w, "sound") })
	if got, err := open(key, envelope, payload); err != nil || string(got) != "sound" {
		t.Errorf("a sound one: %q, %v", got, err)
	}
}

func TestNotForThisKey(t *testing.T) {
	for _, kind := range kinds {
		a, b := vaulttest.NewKey(t, kind), vaulttest.NewKey(t, kind)
		s := newSealer(t, a)
		if _, err := open(newKey(t, b), s.Envelope(), sealed(t, s, nil)); !errors.Is(err, unseal.ErrNotForKey) {
			t.Errorf("got %v", err)
		}
	}
}

// Two who can open an envelope get the same key out of it, which seals again.
func TestSessionKey(t *testing.T) {
	a, b, v4 := vaulttest.NewKey(t, vaulttest.PostQuantum), vaulttest.NewKey(t, vaulttest.X25519), vaulttest.NewKey(t, vaulttest.V4)
	for v2, s := range map[bool]*seal.Sealer{true: newSealer(t, a, b), false: newSealer(t, a, b, v4)} {
		mine, isV2, err := newKey(t, a).SessionKey(s.Envelope())
		theirs, _, err2 := newKey(t, b).SessionKey(s.Envelope())
		if err != nil || err2 != nil || isV2 != v2 || len(mine) != 32 || !bytes.Equal(mine, theirs) {
			t.Errorf("v2 %v: %v, %v, %v", isV2, bytes.Equal(mine, theirs), err, err2)
		}
		if key, _, err := newKey(t, vaulttest.NewKey(t, vaulttest.X25519)).SessionKey(s.Envelope()); !errors.Is(err, unseal.ErrNotForKey) || key != nil {
			t.Errorf("a stranger: %v", err)
		}
		if key, _, err := newKey(t, a).SessionKey(s.Envelope()[:50]); !errors.Is(err, unseal.ErrDamaged) || key != nil {
			t.Errorf("cut off: %v", err)
		}
	}
}

// What goes wrong below is told as it is, not as damage.
func TestErrorsOfThePayload(t *testing.T) {
	k := vaulttest.NewKey(t, vaulttest.PostQuantum)
	s := newSealer(t, k)
	payload, broken := sealed(t, s, random(200_000)), errors.New("the stick was pulled out")
	for _, n := range []int{0, 1, 10, 70_000, len(payload) - 1, len(payload)} {
		r, err := newKey(t, k).Open(s.Envelope(), io.MultiReader(bytes.NewReader(payload[:n]), iotest.ErrReader(broken)))
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if !errors.Is(err, broken) || errors.Is(err, unseal.ErrDamaged) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func TestLockedKeyIsRefused(t *testing.T) {
	k := vaulttest.NewKey(t, vaulttest.X25519)
	if err := k.Entity.EncryptPrivateKeys([]byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := unseal.NewKey(k.Entity); err == nil {
		t.Error("a locked key was taken")
	}
}

// One law: whatever the bytes, Open neither panics nor ends cleanly with
// anything but the plaintext.
func FuzzOpen(f *testing.F) {
	k := vaulttest.NewKey(f, vaulttest.PostQuantum)
	s := newSealer(f, k)
	payload := sealed(f, s, []byte("bonjour"))
	f.Add(s.Envelope(), payload)
	f.Add([]byte{0xc1, 0}, []byte{0xd2, 0})
	key := newKey(f, k)
	f.Fuzz(func(t *testing.T, envelope, payload []byte) {
		if got, err := open(key, envelope, payload); err == nil && string(got) != "bonjour" {
			t.Fatalf("opened %q", got)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	k := vaulttest.NewKey(b, vaulttest.PostQuantum)
	s, key := newSealer(b, k), newKey(b, k)
	const size = 64 << 20
	payload := sealed(b, s, random(size))
	b.SetBytes(size)
	for b.Loop() {
		r, err := key.Open(s.Envelope(), bytes.NewReader(payload))
		if err == nil {
			_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 256<<10))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
