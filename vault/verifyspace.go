package vault

import "fmt"

// checkSpace checks what is not in use: the list of free pages, and in a vault
// that was closed that all else is zeros.
func (v *verification) checkSpace() {
	g := v.image
	if v.broken {
		v.report.Unchecked = append(v.report.Unchecked, "which pages of vault.db are free is not known, because a part of it cannot be read")
		return
	}
	for _, h := range g.headers {
		if h.valid && (g.settled || h == g.meta) && h.freelist != noFreelist {
			if err := g.checkList(h); err != nil {
				v.listDamaged(err)
				return
			}
		}
	}
	if !g.settled {
		if n := g.countFree(); n > 0 {
			v.report.Unchecked = append(v.report.Unchecked, fmt.Sprintf(
				"%s of vault.db that hold nothing: they are emptied, and can be checked, when the vault was opened and closed again", times(int(n), "page")))
		}
		return
	}
	for _, h := range g.headers {
		if err := v.claimList(h); err != nil {
			v.damage("vault.db: the lists of free pages: %s", err)
			return
		}
	}
	v.checkZeros()
}

// listDamaged tells of a damaged list, or drops it: which pages are free was
// just found out.
func (v *verification) listDamaged(err error) {
	if !v.options.Repair {
		v.damage("vault.db: %s: nothing else suffers, and --repair mends it; do not start the server before", err)
		return
	}
	if v.err = v.image.dropLists(v.path); v.err == nil {
		v.report.Mended = append(v.report.Mended, "the list of free pages: it is made anew when the vault is opened")
	}
}

// checkList compares a list with what is free: all that nothing leads to, and
// that is not the list itself.
func (g *image) checkList(h fileHeader) error {
	n, at, count, err := g.openList(h)
	if err != nil {
		return fmt.Errorf("the list of free pages is %w: %w", ErrDamaged, err)
	}
	free := uint64(2)
	for id, err := range g.listed(h) {
		if err != nil {
			return err
		}
		for ; g.takenFor(free, h.freelist, n); free++ {
		}
		if id != free {
			return fmt.Errorf("the list of free pages is %w: page %d", ErrDamaged, id)
		}
		free++
	}
	for ; free < h.pages; free++ {
		if !g.takenFor(free, h.freelist, n) {
			return fmt.Errorf("the list of free pages is %w: page %d is missing", ErrDamaged, free)
		}
	}
	rest := make([]byte, int64(h.freelist+n)*g.pageSize-at-int64(count*8))
	if err := readFull(g.r, rest, at+int64(count*8)); err != nil {
		return err
	}
	if !isZero(rest) {
		return fmt.Errorf("the list of free pages is %w: there is something behind its end", ErrDamaged)
	}
	return nil
}

// takenFor tells whether a page is used by a tree, or by a list of n pages.
func (g *image) takenFor(id, list, n uint64) bool {
	return g.isUsed(id) || id >= list && id < list+n
}

func (v *verification) claimList(h fileHeader) error {
	n, _, _, err := v.image.openList(h)
	if err != nil {
		return err
	}
	return v.image.claim(h.freelist, n)
}

func (g *image) countFree() (n uint64) {
	for id := uint64(2); id < g.meta.pages; id++ {
		if !g.isUsed(id) {
			n++
		}
	}
	return n
}

// checkZeros reads all that is not in use, to the file's end.
func (v *verification) checkZeros() {
	g := v.image
	page := make([]byte, g.pageSize)
	for at := 2 * g.pageSize; at < g.size; at += g.pageSize {
		if g.isUsed(uint64(at / g.pageSize)) {
			continue
		}
		if !v.goOn() {
			return
		}
		b := page[:min(g.pageSize, g.size-at)]
		if v.err = readFull(g.r, b, at); v.err != nil {
			return
		}
		if !isZero(b) {
			v.damage("vault.db: page %d, which holds nothing, is not empty: nothing reads it", at/g.pageSize)
		}
	}
}
