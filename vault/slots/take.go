package slots

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Take hands out a slot with a new key that nobody ever had and that is on
// stable storage already. Usually it costs a read; every 64th time keys for the
// next 64 are written, which waits for two syncs.
//
// When that fails, as on a full disk, all else goes on working, and the next
// Take tries again.
func (f *File) Take() (uint32, Key, error) {
	f.gate.Lock()
	defer f.gate.Unlock()
	if f.closed {
		return 0, Key{}, errClosed
	}
	if len(f.ready) == 0 {
		if err := f.refill(); err != nil {
			return 0, Key{}, fmt.Errorf("failed to make wrapping keys: %w", err)
		}
	}
	slot := f.drawReady()
	key, err := f.read(slot)
	if err != nil {
		f.release(slot)
		return 0, Key{}, err
	}
	f.states[slot] = taken
	return slot, key, nil
}

// drawReady draws lots, so that slots do not tell the order of submissions
// (promise 5).
func (f *File) drawReady() uint32 {
	var random [8]byte
	rand.Read(random[:])
	i := binary.BigEndian.Uint64(random[:]) % uint64(len(f.ready))
	slot := f.ready[i]
	last := len(f.ready) - 1
	f.ready[i], f.ready = f.ready[last], f.ready[:last]
	return slot
}

// Give returns slots that nothing in the vault names any more: after [File.Take],
// when the commit surely failed (after [File.Zero] too, unless nothing that was
// wrapped with the key can have been written); after [File.Zero], when the vault's note that
// they are to be zeroed is durably gone. Not earlier: a slot given back too
// early may be in use again when the vault, after a crash, zeroes it once more.
//
// A slot that is given back keeps its bytes until its key is made anew, before
// it is handed out again. A slot in use since before Open cannot be given back
// without Zero. On an error none is given back.
func (f *File) Give(slots ...uint32) error {
	f.gate.Lock()
	defer f.gate.Unlock()
	if f.closed {
		return errClosed
	}
	for _, slot := range slots {
		if int64(slot) >= int64(len(f.states)) {
			return fmt.Errorf("slot %d does not exist", slot)
		}
		if s := f.states[slot]; s != taken && s != zeroed {
			return fmt.Errorf("slot %d cannot be given back", slot)
		}
	}
	for _, slot := range slots {
		f.release(slot)
	}
	return nil
}

func (f *File) release(slot uint32) {
	f.states[slot] = free
	f.cursor = max(min(f.cursor, slot), f.floor)
}

// refill makes ready as many slots as a page has. Pages that cannot be written
// are passed over until the file is opened again or something in them changes.
func (f *File) refill() error {
	failed := fmt.Errorf("all %d slots are in use", MaxSlots)
	for {
		slots := f.gather()
		if len(slots) == 0 {
			return failed
		}
		err := f.makeReady(slots)
		if err == nil {
			return nil
		}
		failed = err
		old, _ := slices.BinarySearch(slots, f.written)
		if old == len(slots) {
			continue // with the next ones, and finally at the file's end
		}
		// A disk that is full may still have free slots in pages that exist.
		f.cursor = slots[old]
		if old > 0 && f.makeReady(slots[:old]) == nil {
			return nil
		}
		return err
	}
}

// gather returns the next free slots in ascending order, up to a page's number
// of them, those at the end of the file, which do not exist yet, last.
func (f *File) gather() []uint32 {
	slots := make([]uint32, 0, perPage)
	for ; len(slots) < perPage; f.cursor++ {
		if int(f.cursor) == len(f.states) && !f.extend() {
			break
		}
		if f.states[f.cursor] == free {
			slots = append(slots, f.cursor)
		}
	}
	return slots
}

// extend adds a pair's slots to what is known: the file follows when they are
// made ready.
func (f *File) extend() bool {
	if len(f.states) >= MaxSlots {
		return false
	}
	f.states = append(f.states, make([]state, perPage)...)
	f.beyond = slices.DeleteFunc(f.beyond, func(slot uint32) bool {
		if int64(slot) >= int64(len(f.states)) {
			return false
		}
		f.states[slot] = used
		return true
	})
	return true
}

// makeReady writes new keys to slots, in both copies, and reads them back. Their
// pages may hold keys that are in use.
func (f *File) makeReady(slots []uint32) error {
	if err := f.mend(slots); err != nil {
		return err
	}
	made := make([]byte, len(slots)*slotSize)
	defer clear(made)
	for i, slot := range slots {
		var key [keySize]byte
		rand.Read(key[:])
		encodeSlot(made[i*slotSize:], f.id, slot, key[:])
	}
	at := func(i int) []byte { return made[i*slotSize : (i+1)*slotSize] }
	if err := f.overwrite(slots, at); err != nil {
		return err
	}
	for _, slot := range slots {
		f.states[slot] = ready
		f.written = max(f.written, (slot/perPage+1)*perPage)
	}
	f.ready = append(f.ready, slots...)
	return nil
}

// overwrite puts content in both copies of slots. The first copies are on stable
// storage before the second ones are touched, so that a torn write harms at
// most one copy of what else is in their pages. Then all is read back, from
// the device if the kernel lets us: after a failed sync Linux takes pages that
// never reached it for written.
func (f *File) overwrite(slots []uint32, content func(i int) []byte) error {
	for _, c := range []copyOf{copyA, copyB} {
		for i, slot := range slots {
			if _, err := f.disk.WriteAt(content(i), offset(slot, c)); err != nil {
				return fmt.Errorf("slot %d: %w", slot, err)
			}
		}
		if err := f.disk.Sync(); err != nil {
			return err
		}
	}
	return f.readBack(slots, content)
}

func (f *File) readBack(slots []uint32, content func(i int) []byte) error {
	if err := f.disk.Forget(); err != nil {
		return err
	}
	var b [slotSize]byte
	for i, slot := range slots {
		for _, c := range []copyOf{copyA, copyB} {
			if _, err := f.disk.ReadAt(b[:], offset(slot, c)); err != nil {
				return fmt.Errorf("reading slot %d back: %w", slot, err)
			}
			if !bytes.Equal(b[:], content(i)) {
				return fmt.Errorf("slot %d: %w", slot, errReadBack)
			}
		}
	}
	return nil
}

var errReadBack = errors.New("the disk does not give back what was written")
