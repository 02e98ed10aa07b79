package slots

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestCreate(t *testing.T) {
	path := create(t)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode() != 0o600 || info.Size() != headerPair {
		t.Errorf("mode %v, %d bytes", info.Mode(), info.Size())
	}
	before := contents(t, path)
	if err := Create(path, [16]byte{1}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	if !bytes.Equal(contents(t, path), before) {
		t.Error("the existing file was touched")
	}
	nowhere := filepath.Join(t.TempDir(), "no", "vault.slots")
	if err := Create(nowhere, testID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
	if _, err := Open(nowhere, testID, maps.Keys(keys{})); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening none: %v", err)
	}
}

func TestReopen(t *testing.T) {
	path, inUse := create(t), keys{}
	f := mustOpen(t, path, nil)
	if s := f.Stats(); s != (Stats{}) {
		t.Fatalf("an empty file: %+v", s)
	}
	mustBeClean(t, f)
	mustTake(t, f, 200, inUse)
	if _, err := Open(path, testID, maps.Keys(inUse)); err == nil || !strings.Contains(err.Error(), "in use by another program") {
		t.Fatalf("opened twice: %v", err)
	}
	must(t, f.Close())
	must(t, f.Close())
	f = mustOpen(t, path, inUse)
	must(t, sameKeys(f, inUse))
	mustBeClean(t, f)
	if s := f.Stats(); s != (Stats{Slots: 256, Used: 200, Free: 56}) {
		t.Fatalf("%+v", s)
	}
	mustTake(t, f, 56, inUse)
	if s := f.Stats(); s.Slots > 320 || s.Used != 256 {
		t.Fatalf("free slots were not used first: %+v", s)
	}
	must(t, sameKeys(f, inUse))
}

// TestClosed: nothing works, nothing panics, and Verify does not report damage.
func TestClosed(t *testing.T) {
	f := mustOpen(t, create(t), nil)
	slots := mustTake(t, f, 2, keys{})
	must(t, f.Close())
	_, _, takeErr := f.Take()
	_, keyErr := f.Key(slots[0])
	_, repairErr := f.Repair(context.Background())
	for finding, err := range f.Verify(context.Background()) {
		if !errors.Is(err, errClosed) {
			t.Errorf("verify: %v, %v", finding, err)
		}
	}
	for i, err := range []error{takeErr, keyErr, repairErr, f.Zero(slots[0]), f.Give(slots[1])} {
		if !errors.Is(err, errClosed) {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

// TestHostileHeader: what is not our file for sure is refused with the reason,
// before a byte of it is changed.
func TestHostileHeader(t *testing.T) {
	page := func(change func(page []byte)) []byte {
		p := headerPage(testID)
		change(p)
		sum := sha256.Sum256(p[:headerFields])
		copy(p[headerFields:], sum[:])
		return p
	}
	put := func(at int, v uint32) []byte { return page(func(p []byte) { binary.BigEndian.PutUint32(p[at:], v) }) }
	for _, c := range []struct {
		name   string
		header []byte
		want   string
	}{
		{"empty", nil, "damaged"},
		{"zeros", make([]byte, pageSize), "damaged"},
		{"one byte", []byte("s"), "damaged"},
		{"another file", bytes.Repeat([]byte("PNG "), pageSize), "damaged"},
		{"another vault's", headerPage([16]byte{9}), "belongs to another vault"},
		{"newer", put(16, 2), "format version 2, this program knows 1"},
		{"newest", put(16, 1<<32-1), "format version 4294967295"},
		{"page size 0", put(20, 0), "damaged"},
		{"page size huge", put(20, 1<<32-1), "damaged"},
		{"slot size huge", put(24, 1<<31), "damaged"},
		{"reserved", put(28, 1), "damaged"},
		{"magic", page(func(p []byte) { p[0] = 'S' }), "damaged"},
	} {
		path := filepath.Join(t.TempDir(), "vault.slots")
		whole := append(bytes.Clone(c.header), c.header...)
		must(t, os.WriteFile(path, whole, 0o600))
		if _, err := Open(path, testID, maps.Keys(keys{1: {}})); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if !bytes.Equal(contents(t, path), whole) {
			t.Errorf("%s: the file was changed", c.name)
		}
	}
}

// TestHugeFile: a length costs memory only up to MaxSlots.
func TestHugeFile(t *testing.T) {
	path := create(t)
	must(t, os.Truncate(path, 1<<40))
	if _, err := Open(path, testID, maps.Keys(keys{})); err == nil || !strings.Contains(err.Error(), "more than the") {
		t.Errorf("1 TiB: %v", err)
	}
	must(t, os.Truncate(path, maxSize))
	f := mustOpen(t, path, nil)
	if s := f.Stats(); s.Slots != MaxSlots {
		t.Errorf("%+v", s)
	}
	mustTake(t, f, 3, keys{})
}

func TestFull(t *testing.T) {
	f := mustOpen(t, create(t), nil)
	f.states = slices.Repeat([]state{used}, MaxSlots)
	if _, _, err := f.Take(); err == nil || !strings.Contains(err.Error(), "all 16777216 slots are in use") {
		t.Fatal(err)
	}
	must(t, f.Zero(MaxSlots-1))
	must(t, f.Give(MaxSlots-1))
	if slot, _, err := f.Take(); err != nil || slot != MaxSlots-1 {
		t.Fatal(slot, err)
	}
}

// TestCutShort cuts a file's end off, at every length down to the header: it
// opens, gives every key of which a copy is left, names the lost ones, and
// goes on without touching what may be in use.
func TestCutShort(t *testing.T) {
	path, f, inUse := mixed(t)
	must(t, f.Close())
	whole := contents(t, path)
	for size := len(whole); size >= headerPair; size -= 61 {
		d := newPowerDisk(whole[:size])
		f, err := open(d, int64(size), testID, maps.Keys(inUse))
		must(t, err)
		lost := map[uint32]bool{}
		for _, finding := range findings(t, f) {
			if finding.Problem == Lost {
				lost[finding.Slot] = true
			}
		}
		for slot, key := range inUse {
			got, err := f.Key(slot)
			present := int64(size) >= offset(slot, copyA)+slotSize
			if present != (err == nil && got == key) || !present && !errors.Is(err, ErrDamaged) || lost[slot] == present {
				t.Fatalf("%d bytes, slot %d: %v, lost: %v", size, slot, err, lost[slot])
			}
		}
		mustTake(t, f, 100, maps.Clone(inUse))
		must(t, f.Zero(sortedSlots(inUse)...))
	}
}

// TestDoubtfulVault: slots that may be in use, though the vault does not name
// them, keep their keys.
func TestDoubtfulVault(t *testing.T) {
	path, f, inUse := mixed(t)
	must(t, f.Close())
	all := sortedSlots(inUse)
	forgotten := all[3]
	for name, named := range map[string][]uint32{
		"twice":      append(slices.Clone(all[4:]), all[5]),
		"beyond":     append(slices.Clone(all[4:]), 1000),
		"far beyond": append(slices.Clone(all[4:]), 1<<32-1),
	} {
		before := contents(t, path)
		f, err := Open(path, testID, slices.Values(named))
		must(t, err)
		fresh := keys{}
		mustTake(t, f, 10, fresh)
		for slot := range fresh {
			if offset(slot, copyA) < int64(len(before)) {
				t.Fatalf("%s: slot %d was made anew", name, slot)
			}
		}
		must(t, f.Close())
		if !bytes.HasPrefix(contents(t, path), before) {
			t.Fatalf("%s: the old part of the file was changed", name)
		}
	}
	f = mustOpen(t, path, inUse)
	if key, err := f.Key(forgotten); err != nil || key != inUse[forgotten] {
		t.Fatal(err)
	}
	if all := findings(t, f); len(all) != 0 {
		t.Fatal(all)
	}
}

func TestSharedAndMissingAreFound(t *testing.T) {
	path, f, inUse := mixed(t)
	must(t, f.Close())
	slot := sortedSlots(inUse)[0]
	f, err := Open(path, testID, slices.Values(append(sortedSlots(inUse), slot, 5000)))
	must(t, err)
	defer f.Close()
	want := []Finding{{Problem: Shared, Slot: slot}, {Problem: Lost, Slot: 5000}}
	if all := findings(t, f); !slices.Equal(all, want) {
		t.Fatal(all)
	}
	must(t, f.Zero(5000)) // nothing is there that could be zeroed
	if s := f.Stats(); s.Lost != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestVerifyEnds(t *testing.T) {
	_, f, _ := mixed(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n := 0
	for _, err := range f.Verify(ctx) {
		if n++; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if _, err := f.Repair(ctx); n != 1 || !errors.Is(err, context.Canceled) {
		t.Fatal(n, err)
	}
}

// TestManyReadOneChanges is for the race detector, and finds torn reads without.
func TestManyReadOneChanges(t *testing.T) {
	_, f, inUse := mixed(t)
	var readers sync.WaitGroup
	end := make(chan struct{})
	known := maps.Clone(inUse)
	for range 3 {
		readers.Go(func() {
			for {
				if err := sameKeys(f, known); err != nil {
					t.Error(err)
				}
				for finding, err := range f.Verify(context.Background()) {
					t.Error(finding, err)
				}
				f.Stats()
				select {
				case <-end:
					return
				default:
				}
			}
		})
	}
	for range 20 {
		slots := mustTake(t, f, 8, maps.Clone(inUse))
		must(t, f.Zero(slots[:4]...))
		must(t, f.Give(slots...))
	}
	close(end)
	readers.Wait()
}
