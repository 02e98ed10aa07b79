package slots

// Stats counts slots. Used, Ready, Zeroed, Doomed and Free add up to Slots.
type Stats struct {
	Slots  int // in the file
	Used   int // in use, and in the file
	Ready  int // with a new key that nobody has
	Free   int // to be made anew before use
	Zeroed int // by Zero, and not given back yet
	Doomed int // Zero failed or was not called to its end
	Lost   int // in use, says the vault, but beyond the file's end
	Mended int // damaged copies of keys in use, and headers, found and written anew since Open
}

// Stats counts the slots.
func (f *File) Stats() Stats {
	f.gate.RLock()
	defer f.gate.RUnlock()
	var n [zeroed + 1]int
	for _, s := range f.states {
		n[s]++
	}
	return Stats{
		Slots: len(f.states), Used: n[used] + n[taken], Ready: n[ready], Free: n[free],
		Zeroed: n[zeroed], Doomed: n[doomed], Lost: len(f.beyond), Mended: f.mended,
	}
}
