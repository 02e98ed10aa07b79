package slots

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

var testID = [16]byte([]byte("a test's file id"))

// keys are what a vault would know: the slots in use. The keys themselves, which
// no vault keeps, are there to compare.
type keys map[uint32]Key

func create(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.slots")
	if err := Create(path, testID); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustOpen(t testing.TB, path string, inUse keys) *File {
	t.Helper()
	f, err := Open(path, testID, maps.Keys(inUse))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func mustTake(t testing.TB, f *File, n int, into keys) []uint32 {
	t.Helper()
	var slots []uint32
	for range n {
		slot, key, err := f.Take()
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := into[slot]; twice {
			t.Fatalf("slot %d was handed out while it is in use", slot)
		}
		into[slot] = key
		slots = append(slots, slot)
	}
	return slots
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sameKeys reports, as an error, the first key that does not come back.
func sameKeys(f *File, want keys) error {
	for slot, key := range want {
		got, err := f.Key(slot)
		if err != nil {
			return err
		}
		if got != key {
			return errors.New("a key came back changed")
		}
	}
	return nil
}

func findings(t testing.TB, f *File) []Finding {
	t.Helper()
	var all []Finding
	for finding, err := range f.Verify(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, finding)
	}
	return all
}

func mustBeClean(t testing.TB, f *File) {
	t.Helper()
	if all := findings(t, f); len(all) > 0 {
		t.Fatalf("%d findings, the first: %v", len(all), all[0])
	}
}

// containsKey searches a file's bytes for what is left of a key: any 8 bytes in
// a row of it.
func containsKey(raw []byte, key Key) bool {
	for at := 0; at+8 <= keySize; at++ {
		if bytes.Contains(raw, key.bytes[at:at+8]) {
			return true
		}
	}
	return false
}

func mustBeGone(t testing.TB, raw []byte, gone ...Key) {
	t.Helper()
	for _, key := range gone {
		if containsKey(raw, key) {
			t.Fatal("a part of a zeroed key is still in the file")
		}
	}
}

func itoa(slot uint32) string { return strconv.Itoa(int(slot)) }

func contents(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	return raw
}

func sortedSlots(k keys) []uint32 { return slices.Sorted(maps.Keys(k)) }

// A powerDisk is a disk whose power can fail. It remembers what was written
// since the last sync, and counts its steps: writes and syncs.
type powerDisk struct {
	content []byte // as a program sees it
	durable []byte // as it was at the last sync
	steps   int
	cut     int // the power fails at this step; 0: never
	dead    bool

	failAt   int // this step fails with an error, once
	persists bool

	loses int64 // writes at this offset are acknowledged and not done, unless 0
}

var errPower = errors.New("the power failed")
var errFault = errors.New("input/output error")

func newPowerDisk(content []byte) *powerDisk {
	return &powerDisk{content: bytes.Clone(content), durable: bytes.Clone(content)}
}

func (d *powerDisk) step(effect func()) error {
	if d.dead {
		return errPower
	}
	d.steps++
	if d.steps == d.failAt {
		if d.persists {
			effect()
		}
		return errFault
	}
	effect()
	if d.steps == d.cut {
		d.dead = true
		return errPower
	}
	return nil
}

func (d *powerDisk) WriteAt(b []byte, at int64) (int, error) {
	err := d.step(func() {
		if at == d.loses && at != 0 {
			return
		}
		if end := int(at) + len(b); end > len(d.content) {
			d.content = append(d.content, make([]byte, end-len(d.content))...)
		}
		copy(d.content[at:], b)
	})
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

func (d *powerDisk) Sync() error { return d.step(func() { d.durable = bytes.Clone(d.content) }) }

func (d *powerDisk) ReadAt(b []byte, at int64) (int, error) {
	if d.dead {
		return 0, errPower
	}
	return bytes.NewReader(d.content).ReadAt(b, at)
}

func (d *powerDisk) Forget() error { return nil }
func (d *powerDisk) Close() error  { return nil }

var _ disk = (*powerDisk)(nil)

// A tear says what became of a page that was written and not synced.
type tear int

const (
	pageOld     tear = iota
	pageNew          // the kernel wrote it early
	pageSectors      // some sectors of 512 bytes new, the others old
	pageHalf         // its first half is new
	pageGarbage      // the drive ruined it
	tears
)

// after returns what the disk may hold after the power failed: pages that were
// not synced went each its own way. way chooses.
func (d *powerDisk) after(way func(page int) tear) []byte {
	size := len(d.content)
	before := append(bytes.Clone(d.durable), make([]byte, size-len(d.durable))...)
	image := bytes.Clone(before)
	for from := 0; from < size; from += pageSize {
		to := min(from+pageSize, size)
		if !bytes.Equal(before[from:to], d.content[from:to]) {
			tearPage(image[from:to], d.content[from:to], way(from/pageSize))
		}
	}
	return image
}

func tearPage(image, written []byte, t tear) {
	switch t {
	case pageNew:
		copy(image, written)
	case pageHalf:
		copy(image[:len(image)/2], written)
	case pageGarbage:
		rand.Read(image)
	case pageSectors:
		pick := make([]byte, pageSize/512)
		rand.Read(pick)
		for i := 0; i*512 < len(image); i++ {
			if pick[i]&1 == 1 {
				copy(image[i*512:min(len(image), i*512+512)], written[i*512:])
			}
		}
	}
}
