//go:build bench

package bench

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// report prints the medians of a row of measures of 1 GiB and returns them.
func report(name string, all []measure) measure {
	m := measure{
		wall: median(all, func(m measure) time.Duration { return m.wall }),
		cpu:  median(all, func(m measure) time.Duration { return m.cpu }),
	}
	for _, one := range all {
		m.peak = max(m.peak, one.peak)
	}
	fmt.Printf("  %-32s %7.0f MiB/s  %6.2f s wall  %5.2f CPU s/GiB\n", name, 1024/m.wall.Seconds(), m.wall.Seconds(), m.cpu.Seconds())
	return m
}

func median(all []measure, of func(measure) time.Duration) time.Duration {
	var values []time.Duration
	for _, m := range all {
		values = append(values, of(m))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func writeRandom(t *testing.T, path string, size int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(f, rand.Reader, size); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// settle writes and removes as much as a measured command does. On a virtual
// machine the host takes back memory that lies idle, and gives it again at a
// price of up to two CPU seconds a GiB: whoever comes first would pay it.
func settle(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "settle")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	defer f.Close()
	block := make([]byte, mib)
	for range 2 * 1024 {
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}
