package seal_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

func certificate(t testing.TB, k vaulttest.Key) *seal.Certificate {
	t.Helper()
	c, err := seal.ParseCertificate(k.Certificate(t), time.Now())
	if err != nil {
		t.Fatalf("ParseCertificate: %v", err)
	}
	return c
}

func sealer(t testing.TB, keys ...vaulttest.Key) *seal.Sealer {
	t.Helper()
	var roster seal.Roster
	for _, k := range keys {
		roster = append(roster, certificate(t, k))
	}
	s, err := seal.New(roster, time.Now())
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return s
}

func payload(t testing.TB, s *seal.Sealer, plain []byte, step int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := s.Item(&b)
	if err != nil {
		t.Fatalf("Item: %v", err)
	}
	for rest := plain; len(rest) > 0; {
		n := min(step, len(rest))
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatalf("Write: %v", err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return b.Bytes()
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// Sizes around every edge: empty, the smallest class, the padding packet's
// length encodings, the AEAD chunk and the partial lengths.
var edges = []int{0, 1, 185, 186, 187, 511, 512, 513, 3896, 4070, 4080, 4083, 4084, 4085, 4086, 4087, 4088, 4089, 4096, 8191, 8377, 8378, 8379, 8383, 32761, 32762, 32763, 32768, 65529, 65530, 65531, 65535, 65536, 65537, 131072, 262144, 262145, 1 << 20}

func TestRoundTrip(t *testing.T) {
	kinds := map[string]packet.Config{"post-quantum": vaulttest.PostQuantum, "x25519": vaulttest.X25519, "v4": vaulttest.V4}
	for name, kind := range kinds {
		key := vaulttest.NewKey(t, kind)
		s := sealer(t, key)
		for _, size := range edges {
			for _, step := range []int{13, 4096, 1 << 20} {
				if step == 13 && size > 70000 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%d/%d", name, size, step), func(t *testing.T) {
					plain := random(size)
					got, err := key.Open(s.Envelope(), bytes.NewReader(payload(t, s, plain, step)))
					if err != nil {
						t.Fatalf("Open: %v", err)
					}
					if !bytes.Equal(got, plain) {
						t.Fatalf("opened %d bytes that differ from the %d sealed", len(got), len(plain))
					}
				})
			}
		}
	}
}

func TestEveryMemberCanOpen(t *testing.T) {
	keys := []vaulttest.Key{vaulttest.NewKey(t, vaulttest.PostQuantum), vaulttest.NewKey(t, vaulttest.X25519), vaulttest.NewKey(t, vaulttest.V4)}
	for n := 1; n <= len(keys); n++ {
		s := sealer(t, keys[:n]...)
		p := payload(t, s, []byte("bonjour"), 100)
		for i, k := range keys {
			got, err := k.Open(s.Envelope(), bytes.NewReader(p))
			if i < n && (err != nil || string(got) != "bonjour") {
				t.Errorf("member %d of %d: got %q, %v", i, n, got, err)
			}
			if i >= n && err == nil {
				t.Errorf("key %d is not in the roster of %d and opened the payload", i, n)
			}
		}
	}
}

func TestTruncatedPayloadDoesNotOpen(t *testing.T) {
	for _, kind := range []packet.Config{vaulttest.PostQuantum, vaulttest.V4} {
		key := vaulttest.NewKey(t, kind)
		s := sealer(t, key)
		whole := payload(t, s, random(200_000), 1<<20)
		for _, cut := range []int{1, 16, 17, 65536, 65552, len(whole) / 2, len(whole) - 40} {
			if _, err := key.Open(s.Envelope(), bytes.NewReader(whole[:len(whole)-cut])); err == nil {
				t.Errorf("a payload without its last %d bytes opened", cut)
			}
		}
		whole[len(whole)/2] ^= 1
		if _, err := key.Open(s.Envelope(), bytes.NewReader(whole)); err == nil {
			t.Error("a payload with a flipped bit opened")
		}
	}
}

// Sizes that fall into one class make payloads of one length: as many lengths
// as classes, and never a longer payload for a shorter item.
func TestPaddingHidesTheSize(t *testing.T) {
	s := sealer(t, vaulttest.NewKey(t, vaulttest.PostQuantum))
	const most = 12_000
	lengths, classes := map[int]bool{}, map[int64]bool{}
	last := 0
	for size := 0; size < most; size += 7 {
		n := len(payload(t, s, random(size), 1<<20))
		if n < last {
			t.Fatalf("%d bytes make a payload of %d, fewer bytes one of %d", size, n, last)
		}
		last = n
		lengths[n], classes[seal.Class(int64(size))] = true, true
	}
	if len(lengths) < 3 || len(lengths) > len(classes)+1 {
		t.Fatalf("%d payload lengths for %d classes", len(lengths), len(classes))
	}
}

func TestClass(t *testing.T) {
	for n := int64(0); n < 1<<16; n++ {
		c := seal.Class(n)
		if c < n || c < seal.MinClass || (n > seal.MinClass && float64(c) > 1.12*float64(n)) {
			t.Fatalf("Class(%d) = %d", n, c)
		}
		if seal.Class(c) != c {
			t.Fatalf("Class(%d) = %d is not a class", n, c)
		}
	}
	if got := seal.Class(1 << 40); got != 1<<40 {
		t.Errorf("Class(1 TiB) = %d", got)
	}
}

func TestSuites(t *testing.T) {
	pq, v4 := vaulttest.NewKey(t, vaulttest.PostQuantum), vaulttest.NewKey(t, vaulttest.V4)
	x := vaulttest.NewKey(t, vaulttest.X25519)
	for _, c := range []struct {
		keys   []vaulttest.Key
		losses []seal.Loss
	}{
		{[]vaulttest.Key{pq}, nil},
		{[]vaulttest.Key{pq, x}, []seal.Loss{seal.LossPostQuantum}},
		{[]vaulttest.Key{pq, v4}, []seal.Loss{seal.LossPadding, seal.LossPostQuantum, seal.LossSpeed}},
	} {
		var roster seal.Roster
		for _, k := range c.keys {
			roster = append(roster, certificate(t, k))
		}
		got, err := roster.Losses(time.Now())
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.losses) {
			t.Errorf("roster of %d: losses %v, %v; want %v", len(roster), got, err, c.losses)
		}
	}
}

func TestEmptyRosterIsRefused(t *testing.T) {
	if _, err := seal.New(nil, time.Now()); err != seal.ErrNoRecipients {
		t.Errorf("got %v", err)
	}
}

func BenchmarkItem(b *testing.B) {
	for name, kind := range map[string]packet.Config{"gcm": vaulttest.PostQuantum, "seipdv1": vaulttest.V4} {
		b.Run(name, func(b *testing.B) {
			s := sealer(b, vaulttest.NewKey(b, kind))
			block := random(256 << 10)
			const size = 64 << 20
			b.SetBytes(size)
			for b.Loop() {
				w, err := s.Item(io.Discard)
				if err != nil {
					b.Fatal(err)
				}
				for n := 0; n < size; n += len(block) {
					if _, err := w.Write(block); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
