package witness

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"sourdine/vault/translog"
)

// leavesFile is where the leaves of a generation are.
func leavesFile(generation int) string {
	if generation == 0 {
		return "leaves.jsonl"
	}
	return fmt.Sprintf("leaves-%d.jsonl", generation)
}

// lastHead is where the head of a generation is kept when another has begun.
func lastHead(generation int) string { return fmt.Sprintf("head-%d.json", generation) }

// Generation is how often a restoration of the vault was accepted, and its log
// taken in.
func (b *Book) Generation() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.head.Generation
}

// Common is how many leaves, from the first, are those that the book had in an
// earlier generation; all, when there was none since.
func (b *Book) Common(generation int) int64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	common := b.head.Size
	for g := b; g != nil && g.head.Generation > generation; g = g.before {
		common = min(common, g.head.Common)
	}
	return common
}

// Lost is true of a submission that the vault accepted before it was restored, and
// that its log no longer has.
func (b *Book) Lost(id string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if _, _, ok := b.submission(id); ok {
		return false
	}
	for old := b.before; old != nil; old = old.before {
		if _, _, ok := old.submission(id); ok {
			return true
		}
	}
	return false
}

// openAll opens the generation of a head and all before it.
func (b *Book) openAll(h head) (err error) {
	opened := &Book{fs: b.fs, vaultKey: b.vaultKey}
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.close())
		}
	}()
	for n := range h.Generation {
		old, err := readHead(b.fs, lastHead(n))
		if errors.Is(err, fs.ErrNotExist) || err == nil && old.Generation != n {
			err = fmt.Errorf("%w: %s", ErrDamaged, lastHead(n))
		}
		if err == nil {
			err = opened.begin(old)
		}
		if err != nil {
			return err
		}
	}
	if err := opened.begin(h); err != nil {
		return err
	}
	if err := b.close(); err != nil {
		return err
	}
	b.generation = opened.generation
	return nil
}

// begin opens the generation that follows.
func (b *Book) begin(h head) error {
	next := generation{cache: newRosterCache(), index: newIndex(0, 0)}
	if b.file != nil {
		next.before = &Book{fs: b.fs, vaultKey: b.vaultKey, generation: b.generation}
	}
	var err error
	if next.file, err = b.openLeaves(h.Generation); err != nil {
		return err
	}
	b.generation = next
	if err := b.goOn(h); err != nil {
		return err
	}
	return b.checkBeginning()
}

func (b *Book) openLeaves(generation int) (file, error) {
	f, err := b.fs.edit(leavesFile(generation))
	if errors.Is(err, fs.ErrNotExist) { // there is a head: this is not a book to create
		return nil, fmt.Errorf("%w: %s is missing", ErrDamaged, leavesFile(generation))
	}
	if err != nil {
		return nil, fmt.Errorf("failed to read the desk's log: %w", err)
	}
	return f, nil
}

func (g *generation) close() error {
	var err error
	if g.file != nil {
		err = g.file.Close()
	}
	if g.before != nil {
		err = errors.Join(err, g.before.close())
	}
	return err
}

// checkBeginning compares with the generation before: the log is the same up to
// a leaf, and says further on that the vault was restored.
func (b *Book) checkBeginning() error {
	if b.before == nil {
		return nil
	}
	differs, err := b.firstDifference(b.before)
	if err != nil {
		return err
	}
	leaf, err := leafAt[translog.Restored](b, b.head.Restored)
	if err != nil || leaf.Size != b.head.Restored || differs != b.head.Common {
		return fmt.Errorf("%w: %s does not go on from the generation before", ErrDamaged, leavesFile(b.head.Generation))
	}
	return nil
}

// firstDifference is the first leaf that is not the other's, up to the end of the
// shorter log.
func (b *Book) firstDifference(other *Book) (int64, error) {
	for number := range min(b.head.Size, other.head.Size) {
		ours, err := b.raw(b.index, number)
		if err != nil {
			return 0, err
		}
		theirs, err := other.raw(other.index, number)
		if err != nil || !bytes.Equal(ours, theirs) {
			return number, err
		}
	}
	return min(b.head.Size, other.head.Size), nil
}

// bornIn is the generation in which this log got a leaf.
func (b *Book) bornIn(number int64) *Book {
	for b.before != nil && number < b.head.Common {
		b = b.before
	}
	return b
}

// knows reports whether a generation has the leaf of a restoration.
func (b *Book) knows(sum string) bool {
	for ; b != nil; b = b.before {
		if _, ok := b.index.restored[sum]; ok {
			return true
		}
	}
	return false
}

// agreeing finds out which checkpoints are of the log in a file: one walk for all.
func agreeing(f file, bytes int64, checkpoints []translog.Checkpoint) (map[translog.Checkpoint]bool, error) {
	due := slices.SortedFunc(slices.Values(checkpoints), func(x, y translog.Checkpoint) int { return cmp.Compare(x.Size, y.Size) })
	agree := map[translog.Checkpoint]bool{}
	if len(due) == 0 {
		return agree, nil
	}
	var at translog.Frontier
	compare := func() {
		for ; len(due) > 0 && due[0].Size == at.Size(); due = due[1:] {
			agree[due[0]] = at.EqualTo(due[0])
		}
	}
	compare()
	err := walk(f, 0, bytes, func(line []byte) error {
		err := at.Append(line)
		compare()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("failed to read the desk's log: %w", err)
	}
	return agree, nil
}
