package parcel_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"

	"sourdine/vault"
	"sourdine/vault/parcel"
)

// A payload of 200 MiB passes through writer and reader in a few MiB: all
// that is ever allocated on the way is a small part of it.
func TestMemoryIsConstant(t *testing.T) {
	const size, limit = 200 << 20, 24 << 20
	v := newVault(t)
	d := v.NewDraft()
	w, err := d.Item(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.Repeat([]byte("sealed"), 256<<10/6)
	for n := 0; n < size; n += len(block) {
		if _, err := w.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Commit(ctx, vault.Commitment{Channel: "Nice", Day: day, Epoch: 1, Envelope: []byte("e")}); err != nil {
		t.Fatal(err)
	}
	r, pipe := io.Pipe()
	done := make(chan error, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() {
		_, err := parcel.Write(ctx, pipe, v, fixedKey(1).secret, parcel.Request{})
		done <- errors.Join(err, pipe.CloseWithError(err))
	}()
	got, err := readAll(r, trustAll, 256<<10)
	runtime.ReadMemStats(&after)
	if err := errors.Join(err, <-done); err != nil || len(sealedIn(got)) != 2 {
		t.Fatalf("%d files, %v", len(got), err)
	}
	allocated := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d MiB carried, %d KiB allocated in all", size>>20, allocated>>10)
	if allocated > limit {
		t.Errorf("%d bytes allocated for a payload of %d", allocated, size)
	}
}

// fill commits n submissions, each with this many empty files.
func fill(t testing.TB, v *vault.Vault, n, files int) {
	t.Helper()
	const uploads = 256 // at once: they share the vault's transactions
	var all sync.WaitGroup
	for first := range uploads {
		all.Go(func() {
			for i := first; i < n; i += uploads {
				d := v.NewDraft()
				for item := range files {
					if w, err := d.Item(ctx, item); err != nil || w.Close() != nil {
						t.Error(err)
					}
				}
				if _, err := d.Commit(ctx, vault.Commitment{Channel: "Nice", Day: day, Epoch: 1, Envelope: make([]byte, 1300)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// live is the memory in use, in bytes.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// peakWriter measures the memory in use while a parcel is written.
type peakWriter struct {
	written, next, peak int64
}

func (w *peakWriter) Write(b []byte) (int, error) {
	if w.written += int64(len(b)); w.written >= w.next {
		w.peak, w.next = max(w.peak, live()), w.next+8<<20
	}
	return len(b), nil
}

// A plan takes about as much memory as its index; reading it, no more.
func measurePlan(t testing.TB, v *vault.Vault, r parcel.Request) (index, plan, reading int64) {
	t.Helper()
	before := live()
	p := planned(t, v, r)
	plan = live() - before
	raw := strictIndexSize(t, p)
	w := &peakWriter{}
	if err := p.Write(ctx, w); err != nil || w.written != p.Size() {
		t.Fatalf("%d bytes of %d, %v", w.written, p.Size(), err)
	}
	reading = w.peak - before - plan
	t.Logf("%d submissions, an index of %d KiB, a parcel of %d MiB: the plan takes %d KiB, reading it %d KiB more",
		len(p.Index().Submissions), raw>>10, p.Size()>>20, plan>>10, reading>>10)
	runtime.KeepAlive(p)
	return raw, plan, reading
}

// strictIndexSize reads the size of index.json off its header.
func strictIndexSize(t testing.TB, p *parcel.Plan) int64 {
	t.Helper()
	r := p.Reader(ctx)
	head := make([]byte, 64<<10)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(head, []byte("index.json\x00"))
	var size int64
	for _, digit := range head[at+124 : at+135] {
		size = size*8 + int64(digit-'0')
	}
	return size
}

// Many submissions, some with as many files as a source may send.
func TestMemoryOfAPlan(t *testing.T) {
	v := newVault(t)
	fill(t, v, 500, 4)
	fill(t, v, 30, 101)
	batch(t, v)
	index, plan, reading := measurePlan(t, v, parcel.Request{})
	if plan > 2*index || reading > 4<<20 {
		t.Errorf("the plan of an index of %d bytes takes %d bytes, reading it %d more", index, plan, reading)
	}
}

// As many submissions as one parcel holds.
func BenchmarkPlanOf25000(b *testing.B) {
	v := newVault(b)
	fill(b, v, 25_000, 4)
	batch(b, v)
	measurePlan(b, v, parcel.Request{})
	for b.Loop() {
		p := planned(b, v, parcel.Request{})
		b.SetBytes(p.Size())
		if err := p.Write(ctx, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
