package slots

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestZeroedKeysAreGone: from the file's bytes, at once; the others stay; and
// what comes into the slots again is new.
func TestZeroedKeysAreGone(t *testing.T) {
	path, inUse := create(t), keys{}
	f := mustOpen(t, path, nil)
	slots := mustTake(t, f, 150, inUse)
	var gone []Key
	old := map[Key]bool{}
	for _, slot := range slots {
		old[inUse[slot]] = true
	}
	for i, slot := range slots {
		if i%3 == 0 {
			gone = append(gone, inUse[slot])
			delete(inUse, slot)
			must(t, f.Zero(slot))
			mustBeGone(t, contents(t, path), gone[len(gone)-1])
			if _, err := f.Key(slot); err == nil {
				t.Fatal("a zeroed slot still gives a key")
			}
			must(t, f.Give(slot))
		}
	}
	mustBeClean(t, f)
	must(t, sameKeys(f, inUse))
	again := keys{}
	mustTake(t, f, 42+50, again) // the rest of the ready ones, then the zeroed
	for slot, key := range again {
		if old[key] {
			t.Fatalf("slot %d has a key that was there before", slot)
		}
	}
	if s := f.Stats(); s.Slots > 256 {
		t.Fatalf("zeroed slots were not used again: %+v", s)
	}
	mustBeGone(t, contents(t, path), gone...)
	must(t, sameKeys(f, inUse))
}

// TestZeroTwice: also of a mix, in one call, without order, and after reopening.
func TestZeroTwice(t *testing.T) {
	path, inUse := create(t), keys{}
	f := mustOpen(t, path, nil)
	slots := mustTake(t, f, 10, inUse)
	gone := []Key{inUse[slots[0]], inUse[slots[1]], inUse[slots[2]]}
	must(t, f.Zero())
	must(t, f.Zero(slots[2], slots[0], slots[2]))
	must(t, f.Zero(slots[2], slots[1], slots[0]))
	must(t, f.Zero(slots[:3]...))
	mustBeGone(t, contents(t, path), gone...)
	must(t, f.Close())
	f = mustOpen(t, path, inUse) // the vault still names all: its notes were not dropped
	must(t, f.Zero(slots[:3]...))
	for _, slot := range slots[:3] {
		delete(inUse, slot)
	}
	must(t, sameKeys(f, inUse))
	mustBeClean(t, f)
	must(t, f.Give(slots[:3]...))
	if err := f.Give(slots[0]); err == nil {
		t.Error("given back twice")
	}
	must(t, f.Zero(slots[0])) // a free one
	mustBeClean(t, f)
}

// TestZeroReady takes a slot that nobody has out of the ready ones.
func TestZeroReady(t *testing.T) {
	f, inUse := mustOpen(t, create(t), nil), keys{}
	taken := mustTake(t, f, 1, inUse)[0]
	var others []uint32
	for slot := range uint32(perPage) {
		if slot != taken {
			others = append(others, slot)
		}
	}
	must(t, f.Zero(others...))
	mustTake(t, f, 100, inUse)
	for _, slot := range others {
		if _, used := inUse[slot]; used {
			t.Fatal("a zeroed slot was handed out before it was given back")
		}
	}
	must(t, sameKeys(f, inUse))
	mustBeClean(t, f)
}

// TestOutOfRange: refused, and nothing of the call is done.
func TestOutOfRange(t *testing.T) {
	path, inUse := create(t), keys{}
	f := mustOpen(t, path, nil)
	slots := mustTake(t, f, 3, inUse)
	before := contents(t, path)
	for _, bad := range []uint32{64, 65, MaxSlots, 1<<32 - 1} {
		for _, err := range []error{f.Zero(slots[0], bad, slots[1]), f.Give(slots[0], bad)} {
			if err == nil || err.Error() != "slot "+itoa(bad)+" does not exist" {
				t.Errorf("slot %d: %v", bad, err)
			}
		}
		if _, err := f.Key(bad); err == nil || !strings.Contains(err.Error(), "is not in use") {
			t.Errorf("slot %d: %v", bad, err)
		}
	}
	must(t, sameKeys(f, inUse))
	if !slices.Equal(contents(t, path), before) {
		t.Error("the file was changed")
	}
}

// TestGive: what is given back comes again only with another key; what is in
// use since before Open cannot be given back.
func TestGive(t *testing.T) {
	path, inUse := create(t), keys{}
	f := mustOpen(t, path, nil)
	old := map[Key]bool{}
	slots := mustTake(t, f, 64, inUse)
	for _, key := range inUse {
		old[key] = true
	}
	must(t, f.Give(slots...))
	if _, err := f.Key(slots[0]); err == nil {
		t.Error("a slot that was given back still gives its key")
	}
	again := keys{}
	mustTake(t, f, 64, again)
	for slot, key := range again {
		if slot >= perPage || old[key] {
			t.Fatalf("slot %d, its key made anew: %v", slot, !old[key])
		}
	}
	must(t, f.Close())
	f = mustOpen(t, path, again)
	if err := f.Give(slots[0]); err == nil {
		t.Error("a slot in use since before Open was given back")
	}
	must(t, sameKeys(f, again))
}

// TestOrderIsHidden: the slots of one refill come in no order (promise 5).
func TestOrderIsHidden(t *testing.T) {
	f := mustOpen(t, create(t), nil)
	slots := mustTake(t, f, 64, keys{})
	rising := 0
	for i, slot := range slots[1:] {
		if slot > slots[i] {
			rising++
		}
	}
	if rising < 12 || rising > 51 { // a fair draw gives 31.5 ± 2.3
		t.Errorf("slots are handed out in order: %d of 63 rise", rising)
	}
	slices.Sort(slots)
	for i, slot := range slots {
		if slot != uint32(i) {
			t.Fatalf("slot %d is missing", i)
		}
	}
}

// TestDamagedNeighbour: before a page with the last good copy of a key is
// written, the other copy is mended.
func TestDamagedNeighbour(t *testing.T) {
	for _, c := range []copyOf{copyA, copyB} {
		d, l := newPowerDisk(contents(t, create(t))), newLedger()
		f, err := openImage(d, l)
		must(t, err)
		must(t, l.takeMany(f, 3))
		all := sortedSlots(l.inUse)
		d.content[offset(all[2], c)+5] ^= 1
		must(t, f.Zero(all[0]))
		if s := f.Stats(); s.Mended != 1 {
			t.Fatalf("%+v", s)
		}
		if all := findings(t, f); len(all) != 0 {
			t.Fatal(all)
		}
		d.content[offset(all[2], c)+40] ^= 1
		f, err = openImage(d, l)
		must(t, err)
		must(t, l.takeMany(f, 1))
		if s := f.Stats(); s.Mended != 1 {
			t.Fatalf("before a refill: %+v", s)
		}
	}
}

// TestLyingDisk: a write that is acknowledged and lost is not taken for done,
// at whichever copy.
func TestLyingDisk(t *testing.T) {
	for _, c := range []copyOf{copyA, copyB} {
		d, l := newPowerDisk(contents(t, create(t))), newLedger()
		f, err := openImage(d, l)
		must(t, err)
		must(t, l.takeMany(f, 3))
		slot := sortedSlots(l.inUse)[0]
		d.loses = offset(slot, c)
		if err := l.remove(f, 1); !errors.Is(err, errReadBack) {
			t.Fatalf("zero: %v", err)
		}
		d.loses = 0
		must(t, l.finish(f))
		for len(f.ready) > 0 {
			must(t, l.take(f))
		}
		d.loses = offset(slot, c)
		if err := l.take(f); err == nil {
			t.Fatal("a key that is not on the disk was handed out")
		}
		d.loses = 0
		must(t, l.takeMany(f, 2))
		must(t, sameKeys(f, l.inUse))
	}
}
