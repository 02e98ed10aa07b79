package vault_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// After Compact the file has nothing of what was deleted, is smaller, and holds
// all else; drafts that were open go on.
func TestCompact(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	marker := random(1000)
	addChannel(t, v, "Nice", vault.Member{Fingerprint: fingerprint("A")})
	kept := submit(t, v, random(600_000), nil)
	var deletions []vault.Deletion
	for range 20 {
		deletions = append(deletions, byRetention(submit(t, v, marker, random(1<<20))))
	}
	batch(t, v)
	d := v.NewDraft()
	begun := random(900_000)
	write(t, d, 0, begun)
	if err := v.Delete(ctx, deletions); err != nil {
		t.Fatal(err)
	}
	want := payloadOf(t, v, kept, 0)
	before, after, err := v.Compact(ctx)
	if err != nil || after > 4<<20 || before < 20<<20 {
		t.Errorf("from %d to %d bytes, %v", before, after, err)
	}
	if !bytes.Equal(payloadOf(t, v, kept, 0), want) {
		t.Error("a payload changed")
	}
	id, err := d.Commit(ctx, commitment())
	if err != nil || !bytes.Equal(payloadOf(t, v, id, 0), begun) {
		t.Errorf("a draft that was begun before: %v", err)
	}
	image, err := os.ReadFile(path)
	if err != nil || bytes.Contains(image, marker[:64]) {
		t.Errorf("the file still has what was deleted, %v", err)
	}
	if _, err := vault.Open(path); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("the new file is not locked: %v", err)
	}
	if _, _, err := v.Compact(ctx); err != nil { // again, with nothing to do
		t.Error(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := vaulttest.Open(t, path).Envelope(kept); err != nil {
		t.Error(err)
	}
}

// Readers and uploads work while the file is exchanged under them.
func TestCompactUnderLoad(t *testing.T) {
	v := vaulttest.NewVault(t)
	want := random(900_000)
	id := submit(t, v, want)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	rounds := func(work func()) {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					work()
				}
			}
		})
	}
	for range 3 {
		rounds(func() {
			if !bytes.Equal(payloadOf(t, v, id, 0), want) {
				t.Error("a payload changed")
			}
		})
		rounds(func() { submit(t, v, random(50_000)) })
	}
	for range 10 {
		if _, _, err := v.Compact(ctx); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

func TestCompactThatFails(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	id := submit(t, v, random(10))
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := v.Compact(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := os.MkdirAll(path+".compact/in/the/way", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.Compact(ctx); err == nil {
		t.Error("compacted into a folder")
	}
	if err := os.RemoveAll(path + ".compact"); err != nil {
		t.Fatal(err)
	}
	submit(t, v, random(10))
	if _, err := v.Envelope(id); err != nil {
		t.Error(err)
	}
	// What a crash leaves goes with the next Open.
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".compact", random(10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	vaulttest.Open(t, path)
	if _, err := os.Stat(path + ".compact"); err == nil {
		t.Error("what an interrupted Compact left is still there")
	}
}
