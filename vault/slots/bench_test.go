package slots

import (
	"context"
	"maps"
	"testing"
)

// BenchmarkTake includes its share of the refills: 1/64 of two syncs.
func BenchmarkTake(b *testing.B) {
	f := mustOpen(b, create(b), nil)
	for b.Loop() {
		if _, _, err := f.Take(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKey(b *testing.B) {
	f := mustOpen(b, create(b), nil)
	slot := mustTake(b, f, 1, keys{})[0]
	for b.Loop() {
		if _, err := f.Key(slot); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkZero(b *testing.B, n int) {
	f, inUse := mustOpen(b, create(b), nil), keys{}
	slots := mustTake(b, f, 64*n, inUse)
	scattered := make([]uint32, n)
	for i := range scattered {
		scattered[i] = slots[64*i]
	}
	for b.Loop() {
		if err := f.Zero(scattered...); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkZero1(b *testing.B)    { benchmarkZero(b, 1) }
func BenchmarkZero1000(b *testing.B) { benchmarkZero(b, 1000) }

func with100000(b *testing.B) (string, keys) {
	path, inUse := create(b), keys{}
	f := mustOpen(b, path, nil)
	mustTake(b, f, 100_000, inUse)
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path, inUse
}

func BenchmarkOpen100000(b *testing.B) {
	path, inUse := with100000(b)
	for b.Loop() {
		f, err := Open(path, testID, maps.Keys(inUse))
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

func BenchmarkVerify100000(b *testing.B) {
	path, inUse := with100000(b)
	f := mustOpen(b, path, inUse)
	b.SetBytes(int64(headerPair + 100_000/perPage*pairSize))
	for b.Loop() {
		for finding, err := range f.Verify(context.Background()) {
			b.Fatal(finding, err)
		}
	}
}
