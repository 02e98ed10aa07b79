package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

var ctx = context.Background()

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func write(t testing.TB, d *vault.Draft, item int, payload []byte) {
	t.Helper()
	w, err := d.Item(ctx, item)
	if err != nil {
		t.Fatalf("Item: %v", err)
	}
	if _, err := io.Copy(w, bytes.NewReader(payload)); err != nil {
		t.Fatalf("Write: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func commitment() vault.Commitment {
	return vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: 1, Envelope: []byte("envelope")}
}

func submit(t testing.TB, v *vault.Vault, payloads ...[]byte) vault.ID {
	t.Helper()
	d := v.NewDraft()
	for n, p := range payloads {
		write(t, d, n, p)
	}
	id, err := d.Commit(ctx, commitment())
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return id
}

func payloadOf(t testing.TB, v *vault.Vault, id vault.ID, n int) []byte {
	t.Helper()
	e, err := v.Entry(id)
	if err != nil {
		t.Fatalf("Entry: %v", err)
	}
	r, err := v.Payload(e, n)
	if err != nil {
		t.Fatalf("Payload: %v", err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("failed to read payload: %v", err)
	}
	return b
}

func count(t testing.TB, v *vault.Vault) int {
	t.Helper()
	n := 0
	for _, err := range v.Entries() {
		if err != nil {
			t.Fatalf("Entries: %v", err)
		}
		n++
	}
	return n
}

// Payloads of every size around the chunk's edge come back, also after the
// vault was closed and opened again.
func TestCommitted(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	payloads := [][]byte{random(1), {}, random(256<<10 - 1), random(256 << 10), random(256<<10 + 1), random(3 << 20)}
	id := submit(t, v, payloads...)
	check := func(v *vault.Vault) {
		for n, want := range payloads {
			if !bytes.Equal(payloadOf(t, v, id, n), want) {
				t.Errorf("payload %d of %d bytes came back changed", n, len(want))
			}
		}
		if envelope, err := v.Envelope(id); err != nil || string(envelope) != "envelope" {
			t.Errorf("Envelope = %q, %v", envelope, err)
		}
		e, err := v.Entry(id)
		if err != nil || e.Channel != "Nice" || e.Day != "2026-11-21" || e.Epoch != 1 {
			t.Errorf("Entry = %+v, %v", e, err)
		}
	}
	check(v)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	check(vaulttest.Open(t, path))
}

func TestPayloadReadsAtAnyOffset(t *testing.T) {
	v := vaulttest.NewVault(t)
	want := random(600_000)
	id := submit(t, v, want)
	e, _ := v.Entry(id)
	r, err := v.Payload(e, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{0, 1, 256<<10 - 1, 256 << 10, 599_999} {
		got := make([]byte, min(300_000, len(want)-int(offset)))
		if _, err := r.ReadAt(got, offset); err != nil || !bytes.Equal(got, want[offset:int(offset)+len(got)]) {
			t.Errorf("reading at %d: %v", offset, err)
		}
	}
}

func TestDraftIsInvisible(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	submit(t, v, []byte("earlier"))
	d := v.NewDraft()
	write(t, d, 0, random(2<<20))
	if n := count(t, v); n != 1 {
		t.Fatalf("%d submissions are visible beside a draft", n-1)
	}
	// What a crash does: the draft is never discarded.
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v = vaulttest.Open(t, path)
	if n := count(t, v); n != 1 {
		t.Errorf("%d submissions after the sweep, want 1", n)
	}
	if s, err := v.Stats(); err != nil || s.Drafts != 0 {
		t.Errorf("Stats = %+v, %v", s, err)
	}
}

func TestDiscardErases(t *testing.T) {
	v := vaulttest.NewVault(t)
	d := v.NewDraft()
	write(t, d, 0, random(2<<20))
	d.Discard()
	d.Discard()
	if _, err := d.Commit(ctx, commitment()); err == nil {
		t.Error("a discarded draft was committed")
	}
	if _, err := d.Item(ctx, 1); err == nil {
		t.Error("a discarded draft took an item")
	}
	submit(t, v, []byte("next")) // waits until the writer has erased
	if s, err := v.Stats(); err != nil || s.Drafts != 0 || s.Submissions != 1 {
		t.Errorf("Stats = %+v, %v", s, err)
	}
}

func TestCommitRefuses(t *testing.T) {
	v := vaulttest.NewVault(t)
	for name, prepare := range map[string]func(*vault.Draft, *vault.Commitment){
		"nothing":     func(*vault.Draft, *vault.Commitment) {},
		"gap":         func(d *vault.Draft, _ *vault.Commitment) { write(t, d, 1, []byte("x")) },
		"open item":   func(d *vault.Draft, _ *vault.Commitment) { write(t, d, 0, nil); d.Item(ctx, 1) },
		"no envelope": func(d *vault.Draft, c *vault.Commitment) { write(t, d, 0, nil); c.Envelope = nil },
		"no day":      func(d *vault.Draft, c *vault.Commitment) { write(t, d, 0, nil); c.Day = "2026-02-30" },
		"no channel":  func(d *vault.Draft, c *vault.Commitment) { write(t, d, 0, nil); c.Channel = "" },
		"no mailbox": func(d *vault.Draft, c *vault.Commitment) {
			write(t, d, 0, nil)
			c.Receipt = &vault.Receipt{Sealed: []byte("x")}
		},
	} {
		d, c := v.NewDraft(), commitment()
		prepare(d, &c)
		if _, err := d.Commit(ctx, c); err == nil {
			t.Errorf("%s: committed", name)
		}
		d.Discard()
	}
	if count(t, v) != 0 || vault.UsedSlots(v) != 0 || pending(t, v) != 0 {
		t.Errorf("%d submissions, %d slots, %d leaves", count(t, v), vault.UsedSlots(v), pending(t, v))
	}
	d := v.NewDraft()
	write(t, d, 0, []byte("x"))
	if _, err := d.Item(ctx, 0); err == nil {
		t.Error("an item was written twice")
	}
	if _, err := d.Commit(ctx, commitment()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Commit(ctx, commitment()); err == nil {
		t.Error("a draft was committed twice")
	}
	d.Discard()
	if n := count(t, v); n != 1 {
		t.Errorf("discarding after the commit left %d submissions", n)
	}
}

func TestCancelledContextStops(t *testing.T) {
	v := vaulttest.NewVault(t)
	cancelled, cancel := context.WithCancel(ctx)
	d := v.NewDraft()
	w, err := d.Item(cancelled, 0)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	// The queue has room at first, so a few chunks may pass.
	for range 10_000 {
		if _, err = w.Write(random(256 << 10)); err != nil {
			break
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Write: %v", err)
	}
	d.Discard()
}

func TestManyDraftsAtOnce(t *testing.T) {
	v := vaulttest.NewVault(t)
	var wg sync.WaitGroup
	payloads := make([][]byte, 40)
	ids := make([]vault.ID, len(payloads))
	for i := range payloads {
		wg.Go(func() {
			payloads[i] = random(700_000 + i)
			ids[i] = submit(t, v, []byte{byte(i)}, payloads[i])
		})
	}
	wg.Wait()
	for i, want := range payloads {
		if !bytes.Equal(payloadOf(t, v, ids[i], 1), want) {
			t.Errorf("payload %d came back changed", i)
		}
	}
	if n := count(t, v); n != len(payloads) {
		t.Errorf("%d submissions", n)
	}
}

// Entries reads in batches; none is lost or given twice at their edges.
func TestEntriesAcrossBatches(t *testing.T) {
	v := vaulttest.NewVault(t)
	want := map[vault.ID]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 150 {
				id := submit(t, v, []byte("x"))
				mu.Lock()
				want[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for e, err := range v.Entries() {
		if err != nil || !want[e.ID] {
			t.Fatalf("entry %s: %v", e.ID, err)
		}
		delete(want, e.ID)
	}
	if len(want) != 0 {
		t.Errorf("%d submissions were not listed", len(want))
	}
}

func TestOpenAndCreateRefuse(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	if err := vault.Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a vault: %v", err)
	}
	if _, err := vault.Open(path); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("Open of an open vault: %v", err)
	}
	if _, err := vault.Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of no vault: %v", err)
	}
	_ = v
}

func TestClosedVaultRefuses(t *testing.T) {
	v := vaulttest.NewVault(t)
	d := v.NewDraft()
	write(t, d, 0, random(10))
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Commit(ctx, commitment()); !errors.Is(err, vault.ErrClosed) {
		t.Errorf("Commit: %v", err)
	}
	if err := v.AddChannel(ctx, "Nice"); !errors.Is(err, vault.ErrClosed) {
		t.Errorf("AddChannel: %v", err)
	}
	d.Discard()
}

func TestIDs(t *testing.T) {
	for range 100 {
		id := vault.NewID()
		got, err := vault.ParseID(id.String())
		if err != nil || got != id {
			t.Fatalf("ParseID(%s) = %s, %v", id, got, err)
		}
	}
	for _, s := range []string{"", "..", "../../../etc/passwd", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "aaaaaaaaaaaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaaaaaaa/"} {
		if _, err := vault.ParseID(s); err == nil {
			t.Errorf("ParseID(%q) accepted", s)
		}
	}
}
