package translog_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault/translog"
)

// Whatever the batches are, the stored hashes are those of package tlog, and a
// frontier that saw the same leaves has its tree hash.
func TestBatchesGiveTheHashesOfTlog(t *testing.T) {
	const size = 700
	want := grown(t, size)
	for range 30 {
		var stored hashes
		f := translog.NewFrontier()
		for n := int64(0); n < size; {
			batch := entries(n, min(size, n+rand.Int64N(60)))
			if at := int64(len(stored)); at != tlog.StoredHashCount(n) || (n > 0 && at != tlog.StoredHashIndex(0, n)) {
				t.Fatalf("%d hashes before leaf %d", at, n)
			}
			more, err := translog.Append(n, batch, stored)
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, more...)
			for _, leaf := range batch {
				if err := f.Append(leaf); err != nil {
					t.Fatal(err)
				}
			}
			n += int64(len(batch))
			if tree, err := tlog.TreeHash(n, want); err != nil || f.Root() != tree || f.Size() != n {
				t.Fatalf("the frontier after %d leaves: size %d, root %v instead of %v, %v", n, f.Size(), f.Root(), tree, err)
			}
		}
		if !slices.Equal(stored, want) {
			t.Fatal("the hashes differ from package tlog's")
		}
	}
}

func TestFrontierHasTheTreeHashAtEverySize(t *testing.T) {
	const size = 300
	stored := grown(t, size)
	f := translog.NewFrontier()
	for n := int64(0); ; n++ {
		want, err := tlog.TreeHash(n, stored)
		if err != nil {
			t.Fatal(err)
		}
		read, err := translog.ReadFrontier(n, stored)
		if err != nil {
			t.Fatal(err)
		}
		if f.Root() != want || read.Root() != want || read.Size() != n {
			t.Fatalf("size %d: root %v, read %v, want %v", n, f.Root(), read.Root(), want)
		}
		if n == size {
			return
		}
		if err := f.Append(entry(n)); err != nil {
			t.Fatal(err)
		}
	}
}

// deep stores the hashes of a log of one and the same leaf, without storing
// them: every subtree of a level has the same hash.
type deep [64]tlog.Hash

func newDeep() *deep {
	var d deep
	d[0] = tlog.RecordHash(nil)
	for level := 1; level < len(d); level++ {
		d[level] = tlog.NodeHash(d[level-1], d[level-1])
	}
	return &d
}

func (d *deep) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		level, _ := tlog.SplitStoredHashIndex(at)
		out[i] = d[level]
	}
	return out, nil
}

func TestLargeLogs(t *testing.T) {
	d := newDeep()
	sizes := []int64{1 << 20, 1<<32 - 1, 1 << 32, translog.MaxSize - 3, translog.MaxSize - 1, translog.MaxSize}
	for range 300 {
		sizes = append(sizes, rand.Int64N(translog.MaxSize>>rand.IntN(30))+1)
	}
	for _, size := range sizes {
		f, err := translog.ReadFrontier(size, d)
		if err != nil {
			t.Fatal(err)
		}
		c := head(t, size, d)
		if !f.EqualTo(c) {
			t.Fatalf("size %d: the frontier's root is not the tree's", size)
		}
		at, older := rand.Int64N(size), rand.Int64N(size+1)
		p, err := translog.Inclusion(at, size, d)
		if err != nil || translog.CheckInclusion(p, nil, at, c) != nil || len(p) > 40 {
			t.Fatalf("leaf %d of %d: %d hashes, %v", at, size, len(p), err)
		}
		p, err = translog.Consistency(older, size, d)
		if err != nil || translog.CheckConsistency(p, head(t, older, d), c) != nil {
			t.Fatalf("%d to %d: %v", older, size, err)
		}
		if raw := encoded(t, p); decoded[translog.Proof](t, raw) == nil {
			t.Fatalf("%d to %d: its own proof is too long: %d", older, size, len(p))
		}
		more, err := translog.Append(size, [][]byte{nil}, d)
		if size == translog.MaxSize {
			refused(t, "a leaf more than a log takes", err)
			refused(t, "a leaf more than a frontier takes", f.Append(nil))
			continue
		}
		want, err2 := tlog.StoredHashes(size, nil, d)
		if err != nil || err2 != nil || !slices.Equal(more, want) {
			t.Fatalf("leaf %d: %d hashes instead of %d, %v, %v", size, len(more), len(want), err, err2)
		}
		if err := f.Append(nil); err != nil || !f.EqualTo(head(t, size+1, d)) {
			t.Fatalf("size %d: wrong after one leaf more: %v", size, err)
		}
	}
}

// Package tlog never returns for sizes above 2^62, and panics for some.
func TestSizesThatAreNone(t *testing.T) {
	d := newDeep()
	for _, size := range []int64{-1, math.MinInt64, translog.MaxSize + 1, 1<<62 + 1, math.MaxInt64} {
		_, err := translog.Append(size, entries(0, 1), d)
		refused(t, "append", err)
		_, err = translog.Root(size, d)
		refused(t, "root", err)
		_, err = translog.ReadFrontier(size, d)
		refused(t, "frontier", err)
		_, err = translog.Inclusion(0, size, d)
		refused(t, "inclusion", err)
		_, err = translog.Consistency(1, size, d)
		refused(t, "consistency", err)
		_, err = translog.Consistency(size, 1, d)
		refused(t, "consistency from it", err)
		c := translog.Checkpoint{Origin: origin, Size: size}
		refused(t, "inclusion under it", translog.CheckInclusion(nil, nil, 0, c))
		refused(t, "consistency with it", translog.CheckConsistency(nil, c, c))
		_, err = c.Sign(secret)
		refused(t, "its checkpoint", err)
	}
}

type failing struct{ lost []tlog.Hash }

var errStore = errors.New("the store is gone")

func (f failing) ReadHashes([]int64) ([]tlog.Hash, error) {
	if f.lost != nil {
		return f.lost, nil
	}
	return nil, errStore
}

func TestStoreThatFails(t *testing.T) {
	for name, store := range map[string]failing{"an error": {}, "too few": {lost: []tlog.Hash{}}, "too many": {lost: make([]tlog.Hash, 9)}} {
		_, err1 := translog.Append(5, entries(5, 7), store)
		_, err2 := translog.Root(5, store)
		_, err3 := translog.ReadFrontier(5, store)
		_, err4 := translog.Inclusion(2, 5, store)
		_, err5 := translog.Consistency(2, 5, store)
		for n, err := range []error{err1, err2, err3, err4, err5} {
			if err == nil || store.lost == nil && !errors.Is(err, errStore) {
				t.Errorf("%s, call %d: %v", name, n, err)
			}
		}
	}
}

func TestNothingToAppend(t *testing.T) {
	more, err := translog.Append(5, nil, grown(t, 5))
	if err != nil || len(more) != 0 {
		t.Errorf("an empty batch: %d hashes, %v", len(more), err)
	}
}
