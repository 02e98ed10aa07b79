package vault

import (
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"os"
)

// errLists is about a vault that must not be written: bbolt would take pages that
// are in use for free ones.
var errLists = fmt.Errorf("the list of free pages is %w: nothing else suffers, and sourdine vault verify --repair mends it", ErrDamaged)

// checkLists compares the two lists of free pages in a vault that was closed.
// bbolt believes one of them, and comes before whoever opens the file through it
// could look. What is not a vault it leaves to others. settled tells that it was closed.
func checkLists(path string) (settled bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("failed to open vault: %w", err)
	}
	defer f.Close()
	if err := lockFile(f); err != nil {
		return false, err
	}
	g, err := openImage(f)
	if err != nil {
		return false, nil
	}
	if g.settled && !g.listsAgree() {
		return false, errLists
	}
	return g.settled, nil
}

// listsAgree tells whether both lists name the same pages, but for those of the
// lists themselves.
func (g *image) listsAgree() bool {
	older, newer := g.other(), g.meta
	before, stop := iter.Pull2(g.listedWithout(older, newer))
	defer stop()
	for id, err := range g.listedWithout(newer, older) {
		was, failed, ok := before()
		if err != nil || failed != nil || !ok || was != id {
			return false
		}
	}
	_, _, more := before()
	return !more
}

// listedWithout is listed without the pages that hold another list.
func (g *image) listedWithout(h, without fileHeader) iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		n, _, _, err := g.openList(without)
		if err != nil {
			yield(0, err)
			return
		}
		for id, err := range g.listed(h) {
			if (err != nil || id < without.freelist || id >= without.freelist+n) && !yield(id, err) {
				return
			}
		}
	}
}

// dropLists makes the headers name no list: then the next opening finds out which
// pages are free. The one in force comes last.
func (g *image) dropLists(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("failed to repair the list of free pages: %w", err)
	}
	for _, h := range []fileHeader{g.other(), g.meta} {
		if err == nil && h.valid {
			err = g.dropList(f, h)
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("failed to repair the list of free pages: %w", err)
	}
	return nil
}

func (g *image) dropList(f *os.File, h fileHeader) error {
	page := make([]byte, g.pageSize)
	at := int64(h.txid%2) * g.pageSize
	if err := readFull(f, page, at); err != nil {
		return err
	}
	m := page[pageHeader:]
	native.PutUint64(m[32:], noFreelist)
	sum := fnv.New64a()
	sum.Write(m[:headerSize-8])
	native.PutUint64(m[headerSize-8:], sum.Sum64())
	if _, err := f.WriteAt(page, at); err != nil {
		return err
	}
	return f.Sync()
}
