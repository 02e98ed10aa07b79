package slots

import (
	"cmp"
	"fmt"
	"slices"
)

// Zero destroys the keys in slots: both copies are overwritten with zeros in
// place, the first synced before the second is touched, and read back. It is
// idempotent. When it fails, or the program dies, the slots' keys are given
// out by nobody but may still be in the file: the vault, which noted what is to
// be zeroed before it called, names them to [Open] and calls again.
//
// A zeroed slot is not used again before [File.Give]. A number that the file
// never had is refused before anything is changed. Damaged copies of other
// keys in the same pages are mended first: their good copies are about to be
// at the mercy of a torn write.
func (f *File) Zero(slots ...uint32) error {
	f.gate.Lock()
	defer f.gate.Unlock()
	if f.closed {
		return errClosed
	}
	present, err := f.condemn(slots)
	if err != nil || len(present) == 0 {
		return err
	}
	if err := f.mend(present); err != nil {
		return fmt.Errorf("failed to zero: %w", err)
	}
	if err := f.overwrite(present, func(int) []byte { return noBytes[:] }); err != nil {
		return fmt.Errorf("failed to zero: %w", err)
	}
	for _, slot := range present {
		f.states[slot] = zeroed
	}
	return nil
}

// condemn marks slots as doomed and returns those that the file has, sorted.
// What is in use beyond its end has no key left that could be zeroed.
func (f *File) condemn(slots []uint32) ([]uint32, error) {
	sorted := slices.Compact(slices.Sorted(slices.Values(slots)))
	end, _ := slices.BinarySearchFunc(sorted, int64(len(f.states)), func(slot uint32, n int64) int {
		return cmp.Compare(int64(slot), n)
	})
	present, missing := sorted[:end], sorted[end:]
	for _, slot := range missing {
		if !contains(f.beyond, slot) {
			return nil, fmt.Errorf("slot %d does not exist", slot)
		}
	}
	f.beyond = slices.DeleteFunc(f.beyond, func(slot uint32) bool { return contains(missing, slot) })
	for _, slot := range present {
		if f.states[slot] == ready {
			f.withdraw(slot)
		}
		f.states[slot] = doomed
	}
	return present, nil
}

func contains(sorted []uint32, slot uint32) bool {
	_, found := slices.BinarySearch(sorted, slot)
	return found
}
