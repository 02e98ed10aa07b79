package vault_test

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// hasFreelist tells whether the newer of a bbolt file's two meta pages names a
// list of free pages.
func hasFreelist(t testing.TB, path string) bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file := make([]byte, 2*os.Getpagesize())
	if _, err := io.ReadFull(f, file); err != nil {
		t.Fatal(err)
	}
	var newest uint64
	var has bool
	for _, page := range []int{0, os.Getpagesize()} {
		meta := file[page+16:]
		freelist, txid := binary.LittleEndian.Uint64(meta[32:]), binary.LittleEndian.Uint64(meta[48:])
		if txid >= newest {
			newest, has = txid, freelist != 1<<64-1
		}
	}
	return has
}

// A vault that was closed has its list of free pages in the file, so that the
// next opening does not read every page; an open one has not, and a copy of it as
// a crash would leave it is sound.
func TestFreelistIsKeptByClose(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		if !hasFreelist(t, path) {
			t.Errorf("round %d: closed without the list", round)
		}
		v, err := vault.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		id := submit(t, v, random(10_000))
		submit(t, v, random(300_000))
		if hasFreelist(t, path) {
			t.Errorf("round %d: the list is kept while the vault is open", round)
		}
		if err := v.Delete(ctx, []vault.Deletion{byRetention(id)}); err != nil {
			t.Fatal(err)
		}
		asAfterACrash(t, dir)
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		if err := vaulttest.Check(path); err != nil {
			t.Fatal(err)
		}
	}
}

// asAfterACrash copies the files of a vault that stands still, and opens the copy.
func asAfterACrash(t testing.TB, dir string) {
	t.Helper()
	copied := t.TempDir()
	for _, name := range []string{"vault.db", "vault.slots"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(copied, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	v := vaulttest.Open(t, filepath.Join(copied, "vault.db"))
	submit(t, v, random(300_000))
}

// Without its keys nothing can be opened: that is said, and nothing is made in
// their place. A vault that never had a submission needs none.
func TestMissingSlots(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	slots := filepath.Join(filepath.Dir(path), "vault.slots")
	for range 2 {
		v, err := vault.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(v.Close(), os.Remove(slots)); err != nil {
			t.Fatal(err)
		}
	}
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	submit(t, v, random(10))
	if err := errors.Join(v.Close(), os.Remove(slots)); err != nil {
		t.Fatal(err)
	}
	_, err = vault.Open(path)
	if _, made := os.Stat(slots); err == nil || made == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "vault.slots is missing") {
		t.Errorf("opened without its slots: %v, %v", err, made)
	}
	other := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(other); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	if err := vault.Create(other); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created beside another vault's slots: %v", err)
	}
	if err := os.Remove(filepath.Join(filepath.Dir(other), "vault.slots")); err != nil {
		t.Fatal(err)
	}
	if err := vault.Create(other); err != nil {
		t.Fatal(err)
	}
	v, err = vault.Open(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(v.Close(), os.Rename(filepath.Join(filepath.Dir(other), "vault.slots"), slots)); err != nil {
		t.Fatal(err)
	}
	if v, err := vault.Open(path); err == nil {
		v.Close()
		t.Error("opened with another vault's slots")
	}
}

// benchEnv lets the large benchmark run: SOURDINE_BENCH=1 go test -bench Open100k ./vault
const benchEnv = "SOURDINE_BENCH"

// BenchmarkOpen100k opens a vault with 100,000 submissions of 1 KiB, page cache
// warm. The aim is 200 ms.
func BenchmarkOpen100k(b *testing.B) {
	if os.Getenv(benchEnv) == "" {
		b.Skip("takes minutes: set " + benchEnv)
	}
	path := filepath.Join(b.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		b.Fatal(err)
	}
	v, err := vault.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			payload := random(1024)
			for range 100_000/64 + 1 {
				submit(b, v, payload)
			}
		})
	}
	wg.Wait()
	b.Logf("%.0f commits/s", 100_000/time.Since(start).Seconds())
	start = time.Now()
	batch(b, v)
	b.Logf("%d submissions; batch %v", count(b, v), time.Since(start))
	start = time.Now()
	must(v.Close())
	b.Logf("close %v", time.Since(start))
	for b.Loop() {
		v, err := vault.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		must(v.Close())
		b.StartTimer()
	}
	copied(b, path)
}

// copied times opening the same vault after a crash: without its freelist.
func copied(b *testing.B, path string) {
	v, err := vault.Open(path)
	must(err)
	submit(b, v, random(10))
	crashed := filepath.Join(b.TempDir(), "vault.db")
	for _, suffix := range []string{".db", ".slots"} {
		content, err := os.ReadFile(path[:len(path)-3] + suffix)
		must(err)
		must(os.WriteFile(crashed[:len(crashed)-3]+suffix, content, 0o600))
	}
	must(v.Close())
	start := time.Now()
	v, err = vault.Open(crashed)
	must(err)
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "ms-after-crash")
	must(v.Close())
}
