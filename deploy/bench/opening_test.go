//go:build bench

package bench

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sourdine/deploy/e2e/program"
	"sourdine/vault"
)

const openingAim = 200 * time.Millisecond

// opening prints how long the vault takes to open, in this process and until a
// server answers, after it was closed and after it was killed.
func (a *archive) opening(t *testing.T) {
	fmt.Printf("\nopening the vault with %d submissions (aim: %s)\n", archived, openingAim)
	for _, c := range []struct {
		name   string
		times  int
		before func(*testing.T)
	}{
		{"closed", 5, func(*testing.T) {}},
		{"closed, not in the page cache", 5, a.dropFromCache},
		{"killed", 5, a.kill},
		// Once: it can take half a minute.
		{"killed, not in the page cache", 1, func(t *testing.T) { a.kill(t); a.dropFromCache(t) }},
	} {
		var opened, answered []time.Duration
		for range c.times {
			c.before(t)
			opened = append(opened, a.open(t))
			c.before(t)
			answered = append(answered, a.serve(t))
		}
		fmt.Printf("  %-30s vault.Open %5d ms, sourdine serve answers after %5d ms (median of %d)\n",
			c.name, middle(opened).Milliseconds(), middle(answered).Milliseconds(), c.times)
	}
}

func (a *archive) open(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	v, err := vault.Open(filepath.Join(a.home, "vault.db"))
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return took
}

// serve measures from the start of the program to its first page.
func (a *archive) serve(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	s := program.Serve(t, a.home)
	response, err := http.Get(s.URL + "/")
	took := time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the first page: status %d", response.StatusCode)
	}
	s.Stop(t)
	return took
}

// kill leaves the vault as a power cut does, while it takes a submission.
func (a *archive) kill(t *testing.T) {
	t.Helper()
	s := program.Serve(t, a.home)
	words, err := s.Words()
	if err != nil {
		t.Fatal(err)
	}
	if status, _, err := s.Post(words, elsewhere, "a message"); err != nil || status != http.StatusOK {
		t.Fatalf("status %d, %v", status, err)
	}
	s.Kill(t)
	a.more++
}

func (a *archive) dropFromCache(t *testing.T) {
	dropFromCache(t, filepath.Join(a.home, "vault.db"), filepath.Join(a.home, "vault.slots"))
}

// dropFromCache makes the next reader of files ask the disk.
func dropFromCache(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		f, err := os.Open(path)
		if err == nil {
			err = errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// middle is the median.
func middle[N cmp.Ordered](all []N) N {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
