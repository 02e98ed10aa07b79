package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// chunkSize is how payloads are cut in the file, in bytes.
const chunkSize = 256 << 10

// A Draft is a submission that is still arriving. It is invisible to every
// reader until Commit returns nil, and leaves nothing behind when it is
// discarded, or when the process dies. Its payloads may be written by
// several goroutines, one each.
type Draft struct {
	vault *Vault
	id    ID

	mu     sync.Mutex
	err    error           // the first thing that went wrong, for good
	items  map[uint32]item // whose payloads were closed
	open   int             // payloads begun and not closed
	marked bool            // a chunk was handed to the writer
	ended  bool
}

// An item is what the header says of a payload.
type item struct {
	length int64
	digest string // SHA-256, lower-case hexadecimal
}

// NewDraft begins a submission. Nothing is written before its first chunk.
func (v *Vault) NewDraft() *Draft {
	return &Draft{vault: v, id: NewID(), items: make(map[uint32]item)}
}

// Discard forgets the draft and frees what it wrote, and returns when that is
// done. It does nothing after a successful Commit, so it can be deferred. What a
// full disk keeps it from doing, [Vault.Finish] does; what a crash or a closed vault
// does, the sweep at the next Open.
func (d *Draft) Discard() {
	d.mu.Lock()
	marked := d.marked && !d.ended
	d.ended = true
	if d.err == nil {
		d.err = errors.New("the draft was discarded")
	}
	d.mu.Unlock()
	if !marked {
		return
	}
	for more, err := true, error(nil); more; {
		err = d.vault.update(context.Background(), 0, func(tx *bolt.Tx) (err error) {
			more, err = eraseDraft(tx, d.id)
			return err
		})
		if err != nil {
			d.vault.undone.Store(d.id, nil)
			return
		}
	}
}

func (d *Draft) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
	}
}

func (d *Draft) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// chunkKey is id, item and sequence number, so that a payload's chunks lie in
// order; FORMAT.md, section 2.4.
func chunkKey(id ID, item, seq uint32) []byte {
	key := make([]byte, 0, len(id)+8)
	key = append(key, id[:]...)
	key = binary.BigEndian.AppendUint32(key, item)
	return binary.BigEndian.AppendUint32(key, seq)
}
