package slots

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"sync"
)

// Errors that callers branch on.
var (
	// ErrDamaged is returned by [File.Key] when neither copy of a slot is good.
	ErrDamaged = errors.New("the wrapping key is damaged")
	// ErrLocked is returned by [Open] when another program has the file open, and
	// does not let go within a second.
	ErrLocked = errors.New("the slots file is in use by another program")
)

var errClosed = errors.New("the slots file is closed")

// A File is an open slots file, locked against other programs.
type File struct {
	disk disk
	id   [16]byte

	// gate lets one change, or many read. It is held while a change is synced,
	// so that nobody reads a slot that is half written.
	gate   sync.RWMutex
	closed bool

	states  []state  // of each slot; may be ahead of the file, see gather
	written uint32   // slots below it are in the file
	ready   []uint32 // no order; see Take
	cursor  uint32   // no slot below it is free, or worth another try
	floor   uint32   // slots below it are never made anew; see OnlyGrow
	mended  int

	beyond []uint32 // in use, says the vault, but not in the file
	shared []uint32 // in use twice, says the vault
}

// A state is what is known of a slot. Nothing of it is in the file: the vault
// knows which slots are in use, and all others are made anew before they are.
type state byte

const (
	free   state = iota // may hold anything; made anew before use
	ready               // holds a new key, synced, that nobody has
	used                // in use since before Open
	taken               // handed out since Open
	doomed              // Zero began, and did not end well
	zeroed              // empty; the vault may still name it
)

// inUse are the states whose key must not be lost.
func (s state) inUse() bool { return s == used || s == taken }

// Create makes a new slots file without slots at path and makes it durable. id
// is random and kept by the vault too, so that neither is opened with
// another's. It refuses to touch an existing file, and leaves none when it
// fails; a crash may leave one, which is in the way of the next Create and can
// be removed as long as no vault names its id.
func Create(path string, id [16]byte) error {
	f, err := CreateEmpty(path)
	if err != nil {
		return err
	}
	for _, at := range []int64{0, pageSize} {
		if err == nil {
			_, err = f.WriteAt(headerPage(id), at)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = syncFolder(path)
	}
	if err != nil {
		return fmt.Errorf("failed to create slots file: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

// CreateEmpty makes an empty file at path (mode 0600) for the bytes of a slots file,
// as from a backup: one that is overwritten in place where the file system lets a file
// choose. It refuses to touch an existing one. Nothing of it is durable yet.
func CreateEmpty(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("failed to create slots file: %w", err)
	}
	if err := switchOffCopyOnWrite(f); err != nil {
		return nil, fmt.Errorf("failed to create slots file: %w", errors.Join(err, f.Close(), os.Remove(path)))
	}
	return f, nil
}

// Open opens the slots file at path. used yields the number of every slot that
// the vault names anywhere: of submissions, and of deletions that are not
// finished. The keys in all other slots are given up: they are replaced before
// a slot is handed out, and [File.Leftovers] finds them earlier.
//
// The pages with slots are not read, so opening does not take longer for a
// large file than used does. Damage is found by [File.Verify] and when a key
// is read. A used slot that the file does not have, or that is named twice,
// does not keep the file from opening but implies [File.OnlyGrow].
func Open(path string, id [16]byte, used iter.Seq[uint32]) (*File, error) {
	d, err := openDisk(path)
	if err != nil {
		return nil, fmt.Errorf("failed to open slots file: %w", err)
	}
	info, err := d.Stat()
	if err != nil {
		return nil, fmt.Errorf("failed to open slots file: %w", errors.Join(err, d.Close()))
	}
	f, err := open(d, info.Size(), id, used)
	if err != nil {
		return nil, fmt.Errorf("failed to open slots file: %w", errors.Join(err, d.Close()))
	}
	return f, nil
}

func open(d disk, size int64, id [16]byte, used iter.Seq[uint32]) (*File, error) {
	if size > maxSize {
		return nil, fmt.Errorf("it has %d bytes, more than the %d of a full one", size, int64(maxSize))
	}
	if err := checkHeaders(d, id); err != nil {
		return nil, err
	}
	// A pair that is cut short by the end of the file counts: a crash while the
	// file grew leaves one, and so does lost data.
	pairs := max(0, (size-headerPair+pairSize-1)/pairSize)
	f := &File{disk: d, id: id, states: make([]state, pairs*perPage)}
	f.written = uint32(max(0, (size-headerPair)/pairSize) * perPage)
	for slot := range used {
		f.use(slot)
	}
	slices.Sort(f.beyond)
	f.beyond = slices.Compact(f.beyond)
	if len(f.beyond)+len(f.shared) > 0 {
		f.OnlyGrow()
	}
	return f, nil
}

// checkHeaders is content with one good header.
func checkHeaders(d disk, id [16]byte) error {
	var page [pageSize]byte
	var failed error
	for _, at := range []int64{0, pageSize} {
		readOrZeros(d, page[:], at)
		err := checkHeader(page[:], id)
		if err == nil {
			return nil
		}
		if failed == nil || errors.Is(failed, errHeader) {
			failed = err
		}
	}
	return failed
}

func (f *File) use(slot uint32) {
	switch {
	case int64(slot) >= int64(len(f.states)):
		f.beyond = append(f.beyond, slot)
	case f.states[slot] == used:
		f.shared = append(f.shared, slot)
	default:
		f.states[slot] = used
	}
}

// OnlyGrow tells that the vault may not know all slots that are in use, because
// some of its own records cannot be read. Until the file is opened again slots
// that it has now are left as they are, unless in use or zeroed, and new ones
// are made at its end. Call it before the first [File.Take].
func (f *File) OnlyGrow() {
	f.gate.Lock()
	defer f.gate.Unlock()
	f.floor = uint32(len(f.states))
	f.cursor = max(f.cursor, f.floor)
}

// Key reads the key of a slot that is in use, from its second copy when the
// first is damaged. It returns an error that wraps [ErrDamaged] when both are.
// What is wrong with one copy only [File.Verify] tells.
func (f *File) Key(slot uint32) (Key, error) {
	f.gate.RLock()
	defer f.gate.RUnlock()
	if f.closed {
		return Key{}, errClosed
	}
	if contains(f.beyond, slot) {
		return Key{}, fmt.Errorf("slot %d: %w", slot, ErrDamaged)
	}
	if int64(slot) >= int64(len(f.states)) || !f.states[slot].inUse() {
		return Key{}, fmt.Errorf("slot %d is not in use", slot)
	}
	return f.read(slot)
}

func (f *File) read(slot uint32) (Key, error) {
	var b [slotSize]byte
	for _, c := range []copyOf{copyA, copyB} {
		readOrZeros(f.disk, b[:], offset(slot, c))
		if holdsKey(b[:], f.id, slot) {
			return Key{[keySize]byte(b[:])}, nil
		}
	}
	return Key{}, fmt.Errorf("slot %d: %w", slot, ErrDamaged)
}

// InPlace reports whether the file system is one that writes to the blocks that
// a file has, as far as its kind tells. When it is false a deletion leaves
// keys on the disk until their blocks are used again. See doc.go for what it
// cannot know.
func (f *File) InPlace() (bool, error) {
	onDisk, ok := f.disk.(file)
	if !ok {
		return false, nil
	}
	return overwrites(onDisk.File)
}

// IsAt tells whether path names this file: one that was deleted, or moved away,
// is not what the next Open finds.
func (f *File) IsAt(path string) bool {
	onDisk, ok := f.disk.(file)
	if !ok {
		return false
	}
	opened, err := onDisk.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(opened, there)
}

// Close closes the file. Closing twice is fine.
func (f *File) Close() error {
	f.gate.Lock()
	defer f.gate.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	return f.disk.Close()
}
