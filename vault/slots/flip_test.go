package slots

import (
	"bytes"
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"testing"
)

// mixed makes a file of two pairs that has slots in every state, and opens it.
func mixed(t *testing.T) (path string, f *File, inUse keys) {
	t.Helper()
	path, inUse = create(t), keys{}
	f = mustOpen(t, path, nil)
	slots := mustTake(t, f, 70, inUse)
	must(t, f.Zero(slots[:10]...))
	must(t, f.Give(slots[:5]...))
	for _, slot := range slots[:10] {
		delete(inUse, slot)
	}
	must(t, f.Close())
	f = mustOpen(t, path, inUse)
	zero := mustTake(t, f, 6, inUse)[:3]
	must(t, f.Zero(zero...))
	for _, slot := range zero {
		delete(inUse, slot)
	}
	if s := f.Stats(); s != (Stats{Slots: 128, Used: 63, Ready: 58, Free: 4, Zeroed: 3}) {
		t.Fatalf("the file is not as mixed as it should be: %+v", s)
	}
	return path, f, inUse
}

// TestFlipEveryByte: one flipped byte, anywhere, is found, the finding names its
// slot, and costs no key. (In memory, because the kernel would read the file
// anew 24,576 times; TestFlipOnDisk does that for some.)
func TestFlipEveryByte(t *testing.T) {
	path, f, inUse := mixed(t)
	mustBeClean(t, f)
	d := newPowerDisk(contents(t, path))
	if len(d.content) != headerPair+2*pairSize {
		t.Fatalf("%d bytes", len(d.content))
	}
	must(t, f.disk.Close())
	f.disk = d
	for at := range d.content {
		flip := byte(1 + rand.IntN(255))
		d.content[at] ^= flip
		all := findings(t, f)
		if len(all) != 1 {
			t.Fatalf("byte %d flipped: %d findings", at, len(all))
		}
		checkFinding(t, f, at, all[0], inUse)
		d.content[at] ^= flip
	}
	mustBeClean(t, f)
	must(t, sameKeys(f, inUse))
}

func TestFlipOnDisk(t *testing.T) {
	path, f, inUse := mixed(t)
	raw, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer raw.Close()
	pristine := contents(t, path)
	for at := 0; at < len(pristine); at += 251 {
		raw.WriteAt([]byte{^pristine[at]}, int64(at))
		all := findings(t, f)
		if len(all) != 1 {
			t.Fatalf("byte %d flipped: %d findings", at, len(all))
		}
		checkFinding(t, f, at, all[0], inUse)
		raw.WriteAt(pristine[at:at+1], int64(at))
	}
	mustBeClean(t, f)
}

func checkFinding(t *testing.T, f *File, at int, got Finding, inUse keys) {
	t.Helper()
	good := []string{"B", "A"}[at/pageSize%2]
	if at < headerPair {
		if got != (Finding{Problem: HeaderDamaged, Good: good}) {
			t.Fatalf("byte %d: %v", at, got)
		}
		return
	}
	slot := uint32((at-headerPair)/pairSize*perPage + at%pageSize/slotSize)
	if got.Slot != slot {
		t.Fatalf("byte %d is of slot %d: %v", at, slot, got)
	}
	key, used := inUse[slot]
	if !used {
		if got.Problem != Litter && got.Problem != NotZeroed {
			t.Fatalf("byte %d, not in use: %v", at, got)
		}
		return
	}
	if got.Problem != OneCopy || got.Good != good {
		t.Fatalf("byte %d: %v", at, got)
	}
	if again, err := f.Key(slot); err != nil || again != key {
		t.Fatalf("byte %d flipped: the other copy gives no key: %v", at, err)
	}
}

// TestFlippedFileOpens: a damaged header keeps nobody from opening, as long as
// its copy is good.
func TestFlippedFileOpens(t *testing.T) {
	path, f, inUse := mixed(t)
	must(t, f.Close())
	pristine := contents(t, path)
	for at := 0; at < headerPair; at += 13 {
		damaged := bytes.Clone(pristine)
		damaged[at] ^= 0x10
		f, err := open(newPowerDisk(damaged), int64(len(damaged)), testID, maps.Keys(inUse))
		if err != nil {
			t.Fatalf("byte %d: %v", at, err)
		}
		must(t, sameKeys(f, inUse))
	}
}

// TestRepair brings back every byte that matters, and says how many things it
// mended.
func TestRepair(t *testing.T) {
	path, f, inUse := mixed(t)
	pristine := contents(t, path)
	raw, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer raw.Close()
	garbage := bytes.Repeat([]byte{0xa5}, pageSize)
	for _, at := range []int64{0, pageOffset(0, copyA), pageOffset(1, copyB)} {
		raw.WriteAt(garbage, at)
	}
	must(t, sameKeys(f, inUse))
	before := len(findings(t, f))
	n, err := f.Repair(context.Background())
	if err != nil || n != before || n != 129 {
		t.Fatalf("%d mended of %d, %v", n, before, err)
	}
	mustBeClean(t, f)
	must(t, sameKeys(f, inUse))
	repaired := contents(t, path)
	for slot := range inUse {
		for _, c := range []copyOf{copyA, copyB} {
			at := offset(slot, c)
			if !bytes.Equal(repaired[at:at+slotSize], pristine[at:at+slotSize]) {
				t.Fatalf("slot %d came back changed", slot)
			}
		}
	}
	if n, err := f.Repair(context.Background()); n != 0 || err != nil {
		t.Fatalf("a second repair mended %d, %v", n, err)
	}
	mustTake(t, f, 130, inUse)
	must(t, sameKeys(f, inUse))
	mustBeClean(t, f)
}

// TestBothCopiesDamaged: the key is lost, and only that one; it can still be
// deleted.
func TestBothCopiesDamaged(t *testing.T) {
	path, f, inUse := mixed(t)
	raw, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer raw.Close()
	slot := sortedSlots(inUse)[7]
	raw.WriteAt([]byte{1, 2, 3}, offset(slot, copyA))
	raw.WriteAt([]byte{1, 2, 3}, offset(slot, copyB)+40)
	if _, err := f.Key(slot); err == nil || err.Error() != "slot "+itoa(slot)+": the wrapping key is damaged" {
		t.Fatal(err)
	}
	want := Finding{Problem: Lost, Slot: slot}
	if all := findings(t, f); len(all) != 1 || all[0] != want {
		t.Fatal(all)
	}
	if n, err := f.Repair(context.Background()); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	delete(inUse, slot)
	must(t, sameKeys(f, inUse))
	must(t, f.Zero(slot))
	mustBeClean(t, f)
}

// TestContradiction: two whole copies that differ are not taken for sound.
func TestContradiction(t *testing.T) {
	path, f, inUse := mixed(t)
	raw, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer raw.Close()
	slot := sortedSlots(inUse)[0]
	var other [slotSize]byte
	encodeSlot(other[:], testID, slot, bytes.Repeat([]byte{7}, keySize))
	raw.WriteAt(other[:], offset(slot, copyB))
	want := Finding{Problem: Contradiction, Slot: slot}
	if all := findings(t, f); len(all) != 1 || all[0] != want {
		t.Fatal(all)
	}
	// A page that was written to another's place is found as well.
	raw.WriteAt(contents(t, path)[pageOffset(1, copyA):][:pageSize], pageOffset(0, copyA))
	if all := findings(t, f); len(all) < 50 {
		t.Fatalf("a page in the wrong place: %d findings", len(all))
	}
}
