package parcel_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

var returnKinds = map[string]packet.Config{"post-quantum": vaulttest.PostQuantum, "x25519": vaulttest.X25519, "v4": vaulttest.V4}

// A returned parcel, and who made it.
type returned struct {
	key       vaulttest.Key
	order     *order.Return
	deletions []order.Deletion
	order.Signed
	files [][]byte
}

func newReturned(t testing.TB, kind packet.Config, files ...[]byte) *returned {
	t.Helper()
	p := &returned{key: vaulttest.NewKey(t, kind)}
	p.fill(t, files...)
	return p
}

// fill makes the first file and every third after it an envelope, the others
// replies, and signs.
func (p *returned) fill(t testing.TB, files ...[]byte) {
	t.Helper()
	p.order = &order.Return{
		VaultKey: fixedKey(1).public, Reviewer: fmt.Sprintf("%X", p.key.Entity.PrimaryKey.Fingerprint), Sequence: 1,
		Acknowledged: order.IDs{vault.ID{}.String()},
	}
	p.deletions = []order.Deletion{{ID: vault.ID{}.String(), Channel: "Nice"}}
	var replies, envelopes [][]byte
	for i, f := range files {
		s := sealedFile(f)
		if i%3 == 0 {
			id := vault.ID{15: byte(i << 2)}
			p.order.Envelopes = append(p.order.Envelopes, order.Envelope{ID: id.String(), Epoch: 2, Size: s.Size, SHA256: s.SHA256})
			envelopes = append(envelopes, f)
			continue
		}
		p.order.Replies = append(p.order.Replies, order.Reply{
			N: len(p.order.Replies) + 1, Mailbox: strings.Repeat("0F", 32), Size: s.Size, SHA256: s.SHA256})
		replies = append(replies, f)
	}
	byID := func(a, b order.Envelope) int { return strings.Compare(a.ID, b.ID) }
	if !slices.IsSortedFunc(p.order.Envelopes, byID) {
		t.Fatal("the envelopes are not sorted")
	}
	p.files = append(replies, envelopes...)
	p.sign(t)
}

func (p *returned) sign(t testing.TB) {
	t.Helper()
	var err error
	if p.Signed, err = p.order.Sign(p.deletions, p.key.Entity, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// open gives the files in their order.
func (p *returned) open() func(parcel.ReturnFile) (io.Reader, error) {
	next := 0
	return func(parcel.ReturnFile) (io.Reader, error) {
		next++
		return iotest.HalfReader(bytes.NewReader(p.files[next-1])), nil
	}
}

func (p *returned) bytes(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := parcel.WriteReturn(ctx, &b, p.Signed, p.open()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var errStranger = errors.New("no such reviewer")

// lookup knows this reviewer.
func (p *returned) lookup(t testing.TB) func(string) ([]byte, error) {
	return func(fingerprint string) ([]byte, error) {
		if fingerprint != p.order.Reviewer {
			return nil, errStranger
		}
		return p.key.Certificate(t), nil
	}
}

// readReturn reads a return parcel to its end, step bytes at a time. What it
// orders is the order and its deletions, as they were signed.
func readReturn(r io.Reader, lookup func(string) ([]byte, error), step int) (orders []byte, files []given, err error) {
	p, err := parcel.ReadReturn(r, fixedKey(1).public, lookup, time.Now())
	if err != nil {
		return nil, nil, err
	}
	orders = slices.Concat(p.Signed().Return, p.Signed().Deletions)
	buffer := make([]byte, step)
	for {
		f, err := p.Next()
		if errors.Is(err, io.EOF) {
			return orders, files, nil
		}
		if err != nil {
			return orders, files, err
		}
		h := sha256.New()
		if _, err := io.CopyBuffer(h, struct{ io.Reader }{p}, buffer); err != nil {
			return orders, files, err
		}
		files = append(files, given{f.Name(), [32]byte(h.Sum(nil))})
	}
}

// orders is what readReturn returns.
func (p *returned) orders() []byte { return slices.Concat(p.Return, p.Deletions) }

// expected is what a return parcel gives out.
func (p *returned) expected() []given {
	var want []given
	for i, f := range parcel.ReturnFiles(p.order) {
		want = append(want, given{f.Name(), sha256.Sum256(p.files[i])})
	}
	return want
}

func TestReturnRoundTrip(t *testing.T) {
	for name, kind := range returnKinds {
		for _, files := range [][][]byte{
			nil, {random(1)}, {random(511), random(512), random(513)},
			{random(100_000), random(1 << 20), random(1024), random(3 << 20), random(7)},
		} {
			p := newReturned(t, kind, files...)
			if len(files) == 3 { // one that deletes nothing
				p.deletions = nil
				p.sign(t)
			}
			whole := p.bytes(t)
			if !bytes.Equal(p.bytes(t), whole) {
				t.Errorf("%s: written in two ways", name)
			}
			for _, step := range []int{1, 13, 512, 1 << 20} {
				if step == 1 && len(whole) > 1<<20 {
					continue
				}
				orders, got, err := readReturn(iotest.DataErrReader(bytes.NewReader(whole)), p.lookup(t), step)
				if err != nil || !bytes.Equal(orders, p.orders()) || !slices.Equal(got, p.expected()) {
					t.Errorf("%s, %d files, %d bytes at a time: %d files, %v", name, len(files), step, len(got), err)
				}
			}
			checkReturnByHand(t, whole, p)
		}
	}
}

// checkReturnByHand reads the tar strictly, and with the standard library.
func checkReturnByHand(t *testing.T, whole []byte, p *returned) {
	t.Helper()
	names, bodies := []string{"return.json", "return.json.asc"}, [][]byte{p.Return, p.ReturnSignature}
	if p.deletions != nil {
		names = append(names, "deletions.json", "deletions.json.asc")
		bodies = append(bodies, p.Deletions, p.DeletionsSignature)
	}
	bodies = append(bodies, p.files...)
	for _, f := range parcel.ReturnFiles(p.order) {
		names = append(names, f.Name())
	}
	strict, std := &strictTar{t, whole}, tar.NewReader(bytes.NewReader(whole))
	for i, name := range names {
		if !bytes.Equal(strict.next(name), bodies[i]) {
			t.Errorf("%s is another", name)
		}
		header, err := std.Next()
		if err != nil || header.Name != name || header.Format != tar.FormatUSTAR {
			t.Fatalf("tar's file %d: %+v, %v", i, header, err)
		}
		if body, err := io.ReadAll(std); err != nil || !bytes.Equal(body, bodies[i]) {
			t.Errorf("tar's %s is another: %v", name, err)
		}
	}
	if _, err := std.Next(); !errors.Is(err, io.EOF) || len(strict.p) != 1024 || bytes.Trim(strict.p, "\x00") != nil {
		t.Errorf("%d bytes end the archive, %v", len(strict.p), err)
	}
}

func TestWhatTheReturnReaderTells(t *testing.T) {
	p := newReturned(t, vaulttest.X25519, []byte("envelope"), []byte("reply"))
	r, err := parcel.ReadReturn(bytes.NewReader(p.bytes(t)), fixedKey(1).public, p.lookup(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r.Signed(), p.Signed) || r.Order().Sequence != 1 || !slices.Equal(r.Deletions(), p.deletions) {
		t.Error("tells another order")
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("Read before Next: %d, %v", n, err)
	}
	first, err := r.Next()
	if err != nil || first.Envelope != nil || first.Reply == nil || first.Reply.N != 1 || first.Name() != "replies/1.pgp" {
		t.Errorf("first: %+v, %v", first, err)
	}
	second, err := r.Next() // what was not read of the first is passed over
	if err != nil || second.Reply != nil || second.Envelope == nil || second.Envelope.Epoch != 2 {
		t.Errorf("second: %+v, %v", second, err)
	}
	if body, err := io.ReadAll(r); err != nil || string(body) != "envelope" {
		t.Errorf("second: %q, %v", body, err)
	}
	for range 2 {
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the last file: %v", err)
		}
	}
}

// A file that nobody reads is verified all the same: the server applies
// all of an order or nothing.
func TestUnreadFilesAreVerified(t *testing.T) {
	p := newReturned(t, vaulttest.X25519, []byte("envelope"), []byte("reply"))
	altered := p.bytes(t)
	altered[bytes.Index(altered, []byte("reply\x00"))] ^= 1
	r, err := parcel.ReadReturn(bytes.NewReader(altered), fixedKey(1).public, p.lookup(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := r.Next(); !errors.Is(err, parcel.ErrReturnAltered) {
			t.Errorf("after an altered file: %v", err)
		}
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, parcel.ErrReturnAltered) {
		t.Errorf("Read: %v", err)
	}
}

func TestWriteReturnFails(t *testing.T) {
	p := newReturned(t, vaulttest.X25519, random(30_000), random(40_000))
	size := len(p.bytes(t))
	for room := 0; room < size; room += 1 + size/97 {
		if err := parcel.WriteReturn(ctx, &fullAfter{room}, p.Signed, p.open()); !errors.Is(err, errFull) {
			t.Errorf("room for %d of %d bytes: %v", room, size, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := parcel.WriteReturn(cancelled, io.Discard, p.Signed, p.open()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for name, body := range map[string][]byte{"longer": random(40_001), "shorter": random(39_999), "empty": nil, "another": random(40_000)} {
		open := func(parcel.ReturnFile) (io.Reader, error) { return bytes.NewReader(body), nil }
		if err := parcel.WriteReturn(ctx, io.Discard, p.Signed, open); err == nil || err.Error() != "replies/1.pgp is not what return.json says of it" {
			t.Errorf("%s: %v", name, err)
		}
	}
	gone := func(parcel.ReturnFile) (io.Reader, error) { return nil, errFull }
	broken := func(parcel.ReturnFile) (io.Reader, error) { return iotest.ErrReader(errFull), nil }
	for _, open := range []func(parcel.ReturnFile) (io.Reader, error){gone, broken} {
		if err := parcel.WriteReturn(ctx, io.Discard, p.Signed, open); !errors.Is(err, errFull) {
			t.Errorf("a file that cannot be read: %v", err)
		}
	}
	for name, change := range map[string]func(*order.Signed){
		"what is not an order":      func(s *order.Signed) { s.Return = []byte("{}") },
		"an order unsigned":         func(s *order.Signed) { s.ReturnSignature = nil },
		"a huge signature":          func(s *order.Signed) { s.ReturnSignature = make([]byte, order.MaxSignature+1) },
		"no deletions":              func(s *order.Signed) { s.Deletions = nil },
		"deletions unsigned":        func(s *order.Signed) { s.DeletionsSignature = nil },
		"deletions, huge signature": func(s *order.Signed) { s.DeletionsSignature = make([]byte, order.MaxSignature+1) },
	} {
		s := p.Signed
		change(&s)
		if err := parcel.WriteReturn(ctx, io.Discard, s, p.open()); err == nil {
			t.Errorf("wrote %s", name)
		}
	}
}
