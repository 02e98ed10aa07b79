package parcel_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// Sizes around the edges of the tar's blocks and of the vault's chunks.
var sizes = []int{0, 1, 511, 512, 513, 1024, 4096, 256<<10 - 1, 256 << 10, 256<<10 + 1, 600_000}

// written is the parcel of everything.
func written(t testing.TB, v *vault.Vault, key signingKey) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := parcel.Write(ctx, &b, v, key.secret, parcel.Request{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sealedIn leaves out what stands before the submissions.
func sealedIn(files []given) (sealed []given) {
	for _, f := range files {
		if strings.HasPrefix(f.name, "submissions/") {
			sealed = append(sealed, f)
		}
	}
	return sealed
}

// Everything committed comes out, whole and in the order of the ids; drafts do
// not. The same vault gives the same bytes, also when it was opened again.
func TestRoundTrip(t *testing.T) {
	const channel = "Nice <№1> & \"1\""
	v, path := vaulttest.NewVaultAt(t)
	addChannel(t, v, channel, newReviewer(t))
	byID := map[vault.ID][]given{}
	for n := range 15 {
		envelope := random(1 + n*97)
		payloads := [][]byte{random(sizes[n%len(sizes)]), random(sizes[(n*5+3)%len(sizes)]), random(n)}[:1+n%3]
		id := submit(t, v, channel, envelope, payloads...)
		byID[id] = []given{{fmt.Sprintf("submissions/%s/envelope.pgp", id), sha256.Sum256(envelope)}}
		for i, p := range payloads {
			byID[id] = append(byID[id], given{fmt.Sprintf("submissions/%s/%d.pgp", id, i), sha256.Sum256(p)})
		}
	}
	var want []given
	for _, id := range slices.SortedFunc(maps.Keys(byID), func(a, b vault.ID) int { return bytes.Compare(a[:], b[:]) }) {
		want = append(want, byID[id]...)
	}
	draft := v.NewDraft()
	if _, err := draft.Item(ctx, 0); err != nil {
		t.Fatal(err)
	}
	key := fixedKey(1)
	p := written(t, v, key)
	contentOf(t, p).check(t, nil)
	for _, step := range []int{1, 13, 512, 1 << 20} {
		if got, err := readAll(bytes.NewReader(p), trustAll, step); err != nil || !slices.Equal(sealedIn(got), want) {
			t.Errorf("read %d bytes at a time: %d files, %v; want %d", step, len(got), err, len(want))
		}
	}
	if got, err := readAll(iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(p))), trustAll, 4096); err != nil || !slices.Equal(sealedIn(got), want) {
		t.Errorf("a medium of short reads: %d files, %v", len(got), err)
	}
	if !bytes.Equal(written(t, v, key), p) {
		t.Error("the same vault gave another parcel")
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written(t, vaulttest.Open(t, path), key), p) {
		t.Error("the same vault gave another parcel after it was opened again")
	}
}

func TestWhatTheReaderTells(t *testing.T) {
	v := newVault(t)
	id := submit(t, v, "Nice", []byte("e"), []byte("m"), nil)
	key := fixedKey(1)
	var asked []string
	p, err := parcel.Open(bytes.NewReader(written(t, v, key)), func(k string) error { asked = append(asked, k); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if p.VaultKey() != key.public || !slices.Equal(asked, []string{key.public}) {
		t.Errorf("VaultKey = %q, trust was asked for %q", p.VaultKey(), asked)
	}
	x := p.Index()
	s := x.Submissions[0]
	if s.ID != id.String() || s.Channel != "Nice" || s.Day != day || s.Epoch != 1 || s.Envelope.Size != 1 || len(s.Payloads) != 2 || s.Leaf >= x.Size {
		t.Errorf("submission %+v", s)
	}
	if n, err := p.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("Read before Next: %d, %v", n, err)
	}
	// Files that nobody reads are passed over.
	for _, want := range x.Files {
		f, err := p.Next()
		if err != nil || f.Name != want.Name || f.Size != want.Size || !f.IsLog() || f.IsEnvelope {
			t.Errorf("%+v, %v, want %s", f, err, want.Name)
		}
	}
	for item := -1; item < 2; item++ {
		f, err := p.Next()
		if err != nil || f.IsLog() || f.IsEnvelope != (item < 0) || f.Item != max(item, 0) || f.Submission.ID != s.ID {
			t.Errorf("%+v, %v", f, err)
		}
	}
	for range 2 {
		if _, err := p.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the last file: %v", err)
		}
	}
	if n, err := p.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("Read after the last file: %d, %v", n, err)
	}
}

func TestEmptyVault(t *testing.T) {
	p := written(t, vaulttest.NewVault(t), fixedKey(1))
	c := contentOf(t, p)
	c.check(t, nil)
	if len(c.files) != 3 || c.index.Size != 0 || !bytes.Contains(p, []byte(`"left":0,"files":[{`)) || !bytes.Contains(p, []byte(`"submissions":[]}`)) {
		t.Errorf("an empty vault has %d files and the index %+v", len(c.files), c.index)
	}
}

// A stick that fills up, an interrupt, a damaged key: an error each time.
func TestWriteFails(t *testing.T) {
	v := newVault(t)
	submit(t, v, "Nice", []byte("e"), random(2<<20))
	key := fixedKey(1)
	size := len(written(t, v, key))
	for room := 0; room < size; room += 1 + size/97 {
		_, err := parcel.Write(ctx, &fullAfter{room}, v, key.secret, parcel.Request{})
		if !errors.Is(err, errFull) || !strings.HasPrefix(err.Error(), "failed to write parcel: ") {
			t.Errorf("room for %d of %d bytes: %v", room, size, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := parcel.Write(cancelled, io.Discard, v, key.secret, parcel.Request{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	interrupted, cancel := context.WithCancel(ctx)
	seen := 0
	_, err := parcel.Write(interrupted, writerFunc(func(b []byte) (int, error) {
		if seen += len(b); seen > size/2 { // in the middle of the large payload
			cancel()
		}
		return len(b), nil
	}), v, key.secret, parcel.Request{})
	if !errors.Is(err, context.Canceled) || seen == size {
		t.Errorf("interrupted in a payload: %v after %d of %d bytes", err, seen, size)
	}
	if _, err := parcel.Write(ctx, io.Discard, v, "PRIVATE+KEY+x", parcel.Request{}); err == nil || err.Error() != "the vault's key is damaged" {
		t.Errorf("damaged key: %v", err)
	}
}

var errFull = errors.New("no space left")

type fullAfter struct{ left int }

func (w *fullAfter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
