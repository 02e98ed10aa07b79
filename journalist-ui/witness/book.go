package witness

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"sourdine/vault/translog"
)

const (
	rostersName = "rosters"
	ordersName  = "orders"
	forksName   = "forks"
)

// A Book is the desk's memory of a vault's log. Its methods may be called at the
// same time.
type Book struct {
	fs       fileSystem
	vaultKey string

	mu sync.RWMutex
	generation
	visit *Visit // the one that is not ended
}

// A generation is the log as the book knows it. A new one begins when the vault
// was restored from a backup and a person accepted that; what the book knew
// before stays as another book, which nothing changes any more.
type generation struct {
	cache  *rosterCache
	file   file // its leaves
	head   head
	last   translog.Checkpoint // what head signs
	index  *index
	before *Book
}

// Create makes an empty book in a folder whose parent exists. What an
// interrupted Create left is finished; for a finished book it returns
// [ErrExists].
func Create(dir string) error {
	if err := (disk{filepath.Dir(dir)}).mkdir(filepath.Base(dir)); err != nil {
		return fmt.Errorf("failed to make the desk's log: %w", err)
	}
	if err := create(disk{dir}); err != nil {
		return err
	}
	if err := (disk{filepath.Dir(dir)}).syncFolder("."); err != nil {
		return fmt.Errorf("failed to make the desk's log: %w", err)
	}
	return nil
}

// create writes the head last: without it there is no book.
func create(fsys fileSystem) error {
	_, err := read(fsys, headName, maxHead)
	switch {
	case err == nil:
		return ErrExists
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("failed to make the desk's log: %w", err)
	}
	for _, name := range []string{rostersName, ordersName, forksName} {
		if err := fsys.mkdir(name); err != nil {
			return fmt.Errorf("failed to make the desk's log: %w", err)
		}
	}
	if err := replace(fsys, leavesFile(0), nil); err != nil {
		return err
	}
	raw, err := head{}.encode()
	if err != nil {
		return err
	}
	return replace(fsys, headName, raw)
}

// Open opens the book in a folder, of the log of the vault that has this public
// key (in the note package's encoding), which the desk trusts. It hashes all
// leaves: a book that is not what the vault signed gives [ErrDamaged]. Without a
// book the error is fs.ErrNotExist.
func Open(dir, vaultKey string) (*Book, error) { return open(disk{dir}, vaultKey) }

func open(fsys fileSystem, vaultKey string) (*Book, error) {
	if _, err := translog.Origin(vaultKey); err != nil {
		return nil, err
	}
	b := &Book{fs: fsys, vaultKey: vaultKey}
	if err := b.refresh(); err != nil {
		return nil, err
	}
	return b, nil
}

// Close ends the use of the book. A visit that is not committed is forgotten.
func (b *Book) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.close()
}

// refresh reads what another process committed since, or everything. The
// caller holds the lock, or is alone.
func (b *Book) refresh() error {
	h, err := readHead(b.fs, headName)
	if err != nil {
		return err
	}
	if b.file == nil || h.Generation > b.head.Generation {
		return b.openAll(h)
	}
	if h.Generation < b.head.Generation || h.Size < b.head.Size || h.Bytes < b.head.Bytes {
		return fmt.Errorf("%w: it is shorter than it was", ErrDamaged)
	}
	return b.goOn(h)
}

// goOn reads the leaves that a head has more than the book.
func (b *Book) goOn(h head) error {
	c, err := h.checkpoint(b.vaultKey)
	if err != nil {
		return err
	}
	next, err := b.load(h)
	if err != nil {
		return err
	}
	b.index.merge(next)
	b.head, b.last = h, c
	return nil
}

// load indexes the leaves after those that are known, and compares all with a
// head.
func (b *Book) load(h head) (*index, error) {
	next := newIndex(b.index.size(), b.index.bytes())
	frontier := b.head.Frontier
	name := leavesFile(h.Generation)
	err := walk(b.file, next.start, h.Bytes, func(line []byte) error {
		if len(next.ends) == 0 && next.base == 0 {
			next.ends = make([]int64, 0, min(h.Size, 1<<20)) // the head may be damaged
		}
		if !next.add(line) {
			return errLine
		}
		return frontier.Append(line)
	})
	switch {
	case errors.Is(err, errLine), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w: %s", ErrDamaged, name)
	case err != nil:
		return nil, fmt.Errorf("failed to read the desk's log: %w", err)
	case frontier.Size() != h.Size || frontier.Root() != h.Frontier.Root():
		return nil, fmt.Errorf("%w: %s is not what the vault signed", ErrDamaged, name)
	}
	return next, nil
}

// walk calls do with each line between two offsets; a line is valid during the
// call. A file that is shorter gives io.ErrUnexpectedEOF.
func walk(f io.ReaderAt, from, to int64, do func(line []byte) error) error {
	section := io.NewSectionReader(f, from, to-from)
	lines, got := newLineReader(section, translog.MaxLeaf), from
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) && got < to {
			return io.ErrUnexpectedEOF
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		got += int64(len(line)) + 1
		if err := do(line); err != nil {
			return err
		}
	}
}

// Size is how many leaves of the log this desk has seen.
func (b *Book) Size() int64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.head.Size
}

// Checkpoint returns the last signed checkpoint, to show to other desks; nil
// before the first.
func (b *Book) Checkpoint() []byte {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.head.Checkpoint == "" {
		return nil
	}
	return []byte(b.head.Checkpoint)
}

// Submission returns the leaf of a submission and its index in the log; not ok
// when there is none, or when the disk does not give it back as it was.
func (b *Book) Submission(id string) (leaf translog.Submission, index int64, ok bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.submission(id)
}

func (b *Book) submission(id string) (leaf translog.Submission, number int64, ok bool) {
	if len(id) != idSize {
		return leaf, 0, false
	}
	number, ok = b.index.submissions[submissionID([]byte(id))]
	if !ok {
		return leaf, 0, false
	}
	leaf, err := leafAt[translog.Submission](b, number)
	return leaf, number, err == nil
}

// Deletion returns the leaf that deleted a submission, the first if there are
// several.
func (b *Book) Deletion(id string) (leaf translog.Deletion, index int64, ok bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.deletion(id)
}

func (b *Book) deletion(id string) (leaf translog.Deletion, number int64, ok bool) {
	if len(id) != idSize {
		return leaf, 0, false
	}
	number, ok = b.index.deletions[submissionID([]byte(id))]
	if !ok {
		return leaf, 0, false
	}
	leaf, err := leafAt[translog.Deletion](b, number)
	return leaf, number, err == nil
}

// leafAt reads a committed leaf of a kind.
func leafAt[L translog.Leaf](b *Book, number int64) (leaf L, err error) {
	raw, err := b.raw(b.index, number)
	if err != nil {
		return leaf, err
	}
	decoded, err := translog.Decode(raw)
	if err != nil {
		return leaf, fmt.Errorf("%w: leaf %d", ErrDamaged, number)
	}
	leaf, ok := decoded.(L)
	if !ok {
		return leaf, fmt.Errorf("%w: leaf %d", ErrDamaged, number)
	}
	return leaf, nil
}

func (b *Book) raw(x *index, number int64) ([]byte, error) { return x.raw(b.file, number) }

// raw reads a leaf from the file that the index is of.
func (x *index) raw(f file, number int64) ([]byte, error) {
	from, to := x.span(number)
	raw := make([]byte, to-from)
	if _, err := f.ReadAt(raw, from); err != nil {
		return nil, fmt.Errorf("failed to read leaf %d of the desk's log: %w", number, err)
	}
	return raw, nil
}

// leaves walks over committed leaves.
func (b *Book) leaves(from int64, do func(number int64, line []byte) error) error {
	if from >= b.index.size() {
		return nil
	}
	start, _ := b.index.span(from)
	return walk(b.file, start, b.head.Bytes, func(line []byte) error {
		from++
		return do(from-1, line)
	})
}
