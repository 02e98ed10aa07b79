package slots

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// A ledger is what a vault would have on stable storage.
type ledger struct {
	inUse   keys            // committed
	pending keys            // noted as to be zeroed
	gone    []Key           // of slots whose zeroing was acknowledged
	seen    map[Key]bool    // every key ever handed out
	given   map[uint32]bool // zeroed, given back, and not taken since
}

func newLedger() *ledger {
	return &ledger{inUse: keys{}, pending: keys{}, seen: map[Key]bool{}, given: map[uint32]bool{}}
}

// named is what the vault tells Open.
func (l *ledger) named() keys {
	named := maps.Clone(l.inUse)
	maps.Copy(named, l.pending)
	return named
}

func (l *ledger) take(f *File) error {
	slot, key, err := f.Take()
	if err != nil {
		return err
	}
	if _, twice := l.named()[slot]; twice || l.seen[key] {
		return fmt.Errorf("slot %d or its key was handed out twice", slot)
	}
	l.seen[key] = true
	l.inUse[slot] = key
	delete(l.given, slot)
	return nil
}

// remove deletes n submissions as a vault does: note, zero, drop the note, give.
func (l *ledger) remove(f *File, n int) error {
	for _, slot := range sortedSlots(l.inUse)[:n] {
		l.pending[slot] = l.inUse[slot]
		delete(l.inUse, slot)
	}
	return l.finish(f)
}

func (l *ledger) finish(f *File) error {
	slots := sortedSlots(l.pending)
	if err := f.Zero(slots...); err != nil {
		return err
	}
	l.gone = slices.AppendSeq(l.gone, maps.Values(l.pending))
	clear(l.pending)
	for _, slot := range slots {
		l.given[slot] = true
	}
	return f.Give(slots...)
}

// history runs, on a disk whose power may fail, what a vault may do: the second
// opening makes keys in pages that have keys in use.
func (l *ledger) history(d *powerDisk) error {
	f, err := openImage(d, l)
	if err != nil {
		return err
	}
	for _, act := range []func() error{
		func() error { return l.takeMany(f, 5) },
		func() error { return l.remove(f, 2) },
		func() error { f, err = openImage(d, l); return err },
		func() error { return l.takeMany(f, 63) },
		func() error { return l.remove(f, 3) },
		func() error { return l.takeMany(f, 4) },
	} {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) takeMany(f *File, n int) error {
	for range n {
		if err := l.take(f); err != nil {
			return err
		}
	}
	return nil
}

func openImage(d *powerDisk, l *ledger) (*File, error) {
	return open(d, int64(len(d.content)), testID, maps.Keys(l.named()))
}

// TestPowerFailure cuts the power at every step of a history (writes and
// syncs), lets each unsynced page be old, new, mixed or ruined, and goes on
// with what is left: no key in use is ever lost, and what is to be zeroed ends
// so. Page A at any state with B untouched, and B at any state with A whole,
// are all among them.
func TestPowerFailure(t *testing.T) {
	empty := contents(t, create(t))
	whole := newPowerDisk(empty)
	must(t, newLedger().history(whole))
	images := 0
	for cut := 1; cut <= whole.steps; cut++ {
		for way := tear(0); way <= tears; way++ {
			d, l := newPowerDisk(empty), newLedger()
			d.cut = cut
			if err := l.history(d); err == nil {
				t.Fatalf("step %d of %d was not reached", cut, whole.steps)
			}
			image := d.after(func(int) tear {
				if way == tears {
					return tear(rand.IntN(int(tears))) // each page its own way
				}
				return way
			})
			if err := l.survives(image); err != nil {
				t.Fatalf("power cut at step %d of %d, pages %d: %v", cut, whole.steps, way, err)
			}
			images++
		}
	}
	t.Logf("%d steps, %d images", whole.steps, images)
}

// survives opens an image as a vault would after a crash.
func (l *ledger) survives(image []byte) error {
	d := newPowerDisk(image)
	f, err := openImage(d, l)
	if err != nil {
		return err
	}
	if err := sameKeys(f, l.inUse); err != nil {
		return fmt.Errorf("after opening: %w", err)
	}
	if err := l.finish(f); err != nil {
		return err
	}
	if err := l.takeMany(f, 70); err != nil {
		return err
	}
	if _, err := f.Repair(context.Background()); err != nil {
		return err
	}
	for finding := range f.Verify(context.Background()) {
		return fmt.Errorf("after repair: %v", finding)
	}
	if err := sameKeys(f, l.inUse); err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	for _, key := range l.gone {
		if containsKey(d.durable, key) {
			return fmt.Errorf("a zeroed key is in the file")
		}
	}
	return nil
}

// TestFaults fails every step of a history once, as "not persisted" and as
// "persisted": all else goes on, and what failed works when it is tried again.
func TestFaults(t *testing.T) {
	empty := contents(t, create(t))
	whole := newPowerDisk(empty)
	must(t, newLedger().history(whole))
	for at := 1; at <= whole.steps; at++ {
		for _, persists := range []bool{false, true} {
			d, l := newPowerDisk(empty), newLedger()
			d.failAt, d.persists = at, persists
			err := l.history(d)
			if d.steps < at {
				t.Fatalf("step %d was not reached", at)
			}
			if err == nil {
				continue // another slot stood in
			}
			if err := l.survives(d.content); err != nil {
				t.Fatalf("fault at step %d (persists: %v): %v", at, persists, err)
			}
		}
	}
}

// TestRetryAfterFault is the same without opening anew.
func TestRetryAfterFault(t *testing.T) {
	for step := 1; step <= 5; step++ {
		for _, persists := range []bool{false, true} {
			d, l := newPowerDisk(contents(t, create(t))), newLedger()
			f, err := openImage(d, l)
			must(t, err)
			must(t, l.takeMany(f, 3))
			d.failAt, d.persists = d.steps+step, persists
			if err := l.remove(f, 1); (err == nil) != (step > 4) {
				t.Fatalf("zero with a fault at step %d: %v", step, err)
			}
			must(t, sameKeys(f, l.inUse))
			for slot := range l.pending {
				if _, err := f.Key(slot); err == nil {
					t.Fatal("a key whose zeroing failed is still given out")
				}
				if err := f.Give(slot); err == nil {
					t.Fatal("a slot whose zeroing failed can be given back")
				}
			}
			must(t, l.finish(f))
			must(t, l.takeMany(f, 70))
			for _, key := range l.gone {
				if containsKey(d.durable, key) {
					t.Fatal("a zeroed key is in the file")
				}
			}
			if all := findings(t, f); len(all) > 0 {
				t.Fatal(all)
			}
		}
	}
}
