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
	"testing"
	"testing/iotest"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// Sizes around the edges of the tar's blocks and of the vault's chunks.
var sizes = []int{0, 1, 511, 512, 513, 1024, 4096, 256<<10 - 1, 256 << 10, 256<<10 + 1, 600_000}

func submit(t testing.TB, v *vault.Vault, channel string, envelope []byte, payloads ...[]byte) vault.ID {
	t.Helper()
	d := v.NewDraft()
	for n, p := range payloads {
		w, err := d.Item(ctx, n)
		if err == nil {
			_, err = w.Write(p)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	id, err := d.Commit(ctx, vault.Commitment{Channel: channel, Day: "2026-11-21", Epoch: 3, Envelope: envelope})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func written(t testing.TB, v *vault.Vault, key signingKey) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := parcel.Write(ctx, &b, v, key.secret); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Everything committed comes out, whole and in the order of the ids; drafts do
// not. The same vault gives the same bytes, also when it was opened again.
func TestRoundTrip(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	byID := map[vault.ID][]given{}
	for n := range 30 {
		envelope := random(1 + n*97)
		payloads := [][]byte{random(sizes[n%len(sizes)]), random(sizes[(n*5+3)%len(sizes)]), random(n)}[:1+n%3]
		id := submit(t, v, "Nice <№1> \u2028", envelope, payloads...)
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
	for _, step := range []int{1, 13, 512, 1 << 20} {
		if got, err := readAll(bytes.NewReader(p), trustAll, step); err != nil || !slices.Equal(got, want) {
			t.Errorf("read %d bytes at a time: %d files, %v; want %d", step, len(got), err, len(want))
		}
	}
	if got, err := readAll(iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(p))), trustAll, 4096); err != nil || !slices.Equal(got, want) {
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
	v := vaulttest.NewVault(t)
	id := submit(t, v, "Nice", []byte("e"), []byte("m"))
	key := fixedKey(1)
	var asked []string
	p, err := parcel.Open(bytes.NewReader(written(t, v, key)), func(k string) error { asked = append(asked, k); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if p.VaultKey() != key.public || !slices.Equal(asked, []string{key.public}) {
		t.Errorf("VaultKey = %q, trust was asked for %q", p.VaultKey(), asked)
	}
	s := p.Index().Submissions[0]
	if s.ID != id.String() || s.Channel != "Nice" || s.Day != "2026-11-21" || s.Epoch != 3 || s.Envelope.Size != 1 || len(s.Payloads) != 1 {
		t.Errorf("submission %+v", s)
	}
	if n, err := p.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("Read before Next: %d, %v", n, err)
	}
	// Files that nobody reads are passed over.
	for range 2 {
		if _, err := p.Next(); err != nil {
			t.Fatal(err)
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
	if got, err := read(p); err != nil || len(got) != 0 {
		t.Errorf("%d files, %v", len(got), err)
	}
	if !bytes.Contains(p, []byte(`{"version":1,"submissions":[]}`)) {
		t.Error("an empty vault has another index")
	}
}

// A stick that fills up, an interrupt, a damaged key: an error each time.
func TestWriteFails(t *testing.T) {
	v := vaulttest.NewVault(t)
	submit(t, v, "Nice", []byte("e"), random(300_000))
	key := fixedKey(1)
	size := len(written(t, v, key))
	for room := 0; room < size; room += 1 + size/97 {
		if _, err := parcel.Write(ctx, &fullAfter{room}, v, key.secret); !errors.Is(err, errFull) {
			t.Errorf("room for %d of %d bytes: %v", room, size, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := parcel.Write(cancelled, io.Discard, v, key.secret); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	interrupted, cancel := context.WithCancel(ctx)
	seen := 0
	_, err := parcel.Write(interrupted, writerFunc(func(b []byte) (int, error) {
		if seen += len(b); seen > size/2 { // in the middle of the large payload
			cancel()
		}
		return len(b), nil
	}), v, key.secret)
	if !errors.Is(err, context.Canceled) || seen > size*3/4 {
		t.Errorf("interrupted in a payload: %v after %d of %d bytes", err, seen, size)
	}
	if _, err := parcel.Write(ctx, io.Discard, v, "PRIVATE+KEY+x"); err == nil || err.Error() != "the vault's key is damaged" {
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
