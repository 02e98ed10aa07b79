package slots

import (
	"errors"
	"io"
)

// Leftovers returns the slots that the vault did not name to [Open] and that are
// not empty, or cannot be read. After a program was killed they may hold keys
// of changes that did not come about, and the vault's file their envelopes: call it
// before the first [File.Take], and [File.Zero] them. It reads the whole file. Below
// the end that [File.OnlyGrow] found it finds none: they may be in use.
func (f *File) Leftovers() (slots []uint32, err error) {
	f.gate.RLock()
	defer f.gate.RUnlock()
	if f.closed {
		return nil, errClosed
	}
	var p pair
	defer p.clear()
	for number := int(f.floor / perPage); number*perPage < len(f.states); number++ {
		known := true
		for c := range p.pages {
			_, err := f.disk.ReadAt(p.pages[c][:], pageOffset(number, copyOf(c)))
			known = known && (err == nil || errors.Is(err, io.EOF))
		}
		f.readPair(&p, number)
		for i := range perPage {
			slot := uint32(number*perPage + i)
			empty := known && isEmpty(p.copyOf(i, copyA)) && isEmpty(p.copyOf(i, copyB))
			if f.states[slot] == free && !empty {
				slots = append(slots, slot)
			}
		}
	}
	return slots, nil
}
