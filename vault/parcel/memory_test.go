package parcel_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// A payload of 200 MiB passes through writer and reader in a few MiB: all
// that is ever allocated on the way is a small part of it.
func TestMemoryIsConstant(t *testing.T) {
	const size, limit = 200 << 20, 24 << 20
	v := vaulttest.NewVault(t)
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
	if _, err := d.Commit(ctx, vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: 1, Envelope: []byte("e")}); err != nil {
		t.Fatal(err)
	}
	r, pipe := io.Pipe()
	done := make(chan error, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() {
		_, err := parcel.Write(ctx, pipe, v, fixedKey(1).secret)
		done <- errors.Join(err, pipe.CloseWithError(err))
	}()
	got, err := readAll(r, trustAll, 256<<10)
	runtime.ReadMemStats(&after)
	if err := errors.Join(err, <-done); err != nil || len(got) != 2 {
		t.Fatalf("%d files, %v", len(got), err)
	}
	allocated := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d MiB carried, %d KiB allocated in all", size>>20, allocated>>10)
	if allocated > limit {
		t.Errorf("%d bytes allocated for a payload of %d", allocated, size)
	}
}
