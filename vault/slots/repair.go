package slots

import (
	"context"
	"fmt"
	"slices"
)

// Repair mends what [File.Verify] finds and can be mended: damaged copies of
// keys in use are written anew from the good ones, damaged headers too, and
// damaged slots that are not in use are zeroed. It returns how many of them it
// mended. What is lost stays as it is. Slots whose zeroing failed are left to
// [File.Zero].
//
// Where one slot's A and another's B of the same pair are damaged, a power
// failure in the middle of their repair may cost a key.
func (f *File) Repair(ctx context.Context) (int, error) {
	var p pair
	defer p.clear()
	mended, err := f.repairHeaders()
	for number := 0; err == nil; number++ {
		if err = ctx.Err(); err != nil {
			break
		}
		n, more, failed := f.repairPair(&p, number)
		mended, err = mended+n, failed
		if !more {
			break
		}
	}
	if err != nil {
		return mended, fmt.Errorf("failed to repair the slots file: %w", err)
	}
	return mended, nil
}

func (f *File) repairHeaders() (mended int, err error) {
	f.gate.Lock()
	defer f.gate.Unlock()
	if f.closed {
		return 0, errClosed
	}
	f.cursor = f.floor // pages that could not be written get another chance
	if err := f.disk.Forget(); err != nil {
		return 0, err
	}
	for c, good := range f.goodHeaders() {
		if good {
			continue
		}
		if _, err := f.disk.WriteAt(headerPage(f.id), int64(c)*pageSize); err != nil {
			return mended, err
		}
		if err := f.disk.Sync(); err != nil {
			return mended, err
		}
		mended++
	}
	f.mended += mended
	return mended, nil
}

func (f *File) repairPair(p *pair, number int) (mended int, more bool, err error) {
	f.gate.Lock()
	defer f.gate.Unlock()
	if f.closed {
		return 0, false, errClosed
	}
	if number*perPage >= len(f.states) {
		return 0, false, nil
	}
	mended, err = f.mendPair(p, number)
	return mended, true, err
}

// mend mends the pairs that sorted slots lie in.
func (f *File) mend(sorted []uint32) error {
	var p pair
	defer p.clear()
	last := -1
	for _, slot := range sorted {
		if number := int(slot / perPage); number != last {
			if _, err := f.mendPair(&p, number); err != nil {
				return err
			}
			last = number
		}
	}
	return nil
}

// A fix is the bytes that a copy of a slot should have.
type fix struct {
	slot uint32
	want []byte
}

func (f *File) mendPair(p *pair, number int) (mended int, err error) {
	f.readPair(p, number)
	var fixes [2][]fix
	for i := range perPage {
		finding := f.judge(p, i)
		if finding.Problem != 0 && f.plan(&fixes, p, i, finding) {
			mended++
			if finding.Problem == OneCopy {
				f.mended++
			}
		}
	}
	for c, list := range fixes {
		if err := f.apply(list, copyOf(c)); err != nil {
			return 0, err
		}
	}
	return mended, nil
}

// plan adds what mends a finding, if anything does.
func (f *File) plan(fixes *[2][]fix, p *pair, i int, finding Finding) bool {
	slot := finding.Slot
	switch {
	case finding.Problem == OneCopy && finding.Good == "A":
		fixes[copyB] = append(fixes[copyB], fix{slot, p.copyOf(i, copyA)})
	case finding.Problem == OneCopy:
		fixes[copyA] = append(fixes[copyA], fix{slot, p.copyOf(i, copyB)})
	case finding.Problem == Litter && slot < f.floor && f.states[slot] == free,
		finding.Problem == NotZeroed && f.states[slot] == doomed:
		return false
	case finding.Problem == Litter, finding.Problem == NotZeroed:
		if f.states[slot] == ready {
			f.withdraw(slot)
		}
		fixes[copyA] = append(fixes[copyA], fix{slot, noBytes[:]})
		fixes[copyB] = append(fixes[copyB], fix{slot, noBytes[:]})
	default:
		return false
	}
	return true
}

// withdraw makes a ready slot free again.
func (f *File) withdraw(slot uint32) {
	f.ready = slices.DeleteFunc(f.ready, func(r uint32) bool { return r == slot })
	f.release(slot)
}

func (f *File) apply(fixes []fix, c copyOf) error {
	if len(fixes) == 0 {
		return nil
	}
	for _, x := range fixes {
		if _, err := f.disk.WriteAt(x.want, offset(x.slot, c)); err != nil {
			return fmt.Errorf("slot %d: %w", x.slot, err)
		}
	}
	return f.disk.Sync()
}
