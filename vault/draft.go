package vault

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
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

	mu      sync.Mutex
	err     error            // the first thing that went wrong, for good
	lengths map[uint32]int64 // of the payloads that were closed
	open    int              // payloads begun and not closed
	marked  bool             // a chunk was handed to the writer
	ended   bool
}

// NewDraft begins a submission. Nothing is written before its first chunk.
func (v *Vault) NewDraft() *Draft {
	return &Draft{vault: v, id: NewID(), lengths: make(map[uint32]int64)}
}

// A Commitment is what turns a draft into a submission.
type Commitment struct {
	Channel  string
	Day      string // UTC, "2006-01-02": all that is kept of the time
	Epoch    uint64 // of the roster that the envelope is sealed to
	Envelope []byte

	// Receipt, when set, is put into the mailbox in the same transaction.
	Receipt *Receipt
}

// Commit makes the submission visible and returns its id once it is on stable
// storage. The items must be numbered from 0 without a gap, and all closed.
// When it returns an error the submission does not exist and never will; the
// draft must then be discarded.
func (d *Draft) Commit(ctx context.Context, c Commitment) (ID, error) {
	header, err := d.header(c)
	if err != nil {
		return ID{}, err
	}
	size := len(header) + len(c.Envelope)
	err = d.vault.update(ctx, size, func(tx *bolt.Tx) error {
		// The chunks before this in the queue may have failed since.
		if err := d.failure(); err != nil {
			return err
		}
		return d.put(tx, header, c)
	})
	if err != nil {
		return ID{}, fmt.Errorf("failed to commit submission: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	return d.id, nil
}

func (d *Draft) header(c Commitment) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.ended:
		return nil, errors.New("the draft is ended already")
	case d.err != nil:
		return nil, d.err
	case d.open > 0:
		return nil, errors.New("an item of the draft is still open")
	case len(c.Envelope) == 0:
		return nil, errors.New("the submission has no envelope")
	}
	h := Header{Channel: c.Channel, Day: c.Day, Epoch: c.Epoch}
	for n := range uint32(len(d.lengths)) {
		length, ok := d.lengths[n]
		if !ok {
			return nil, fmt.Errorf("item %d of the draft is missing", n)
		}
		h.Payloads = append(h.Payloads, length)
	}
	return h.encode()
}

func (d *Draft) put(tx *bolt.Tx, header []byte, c Commitment) error {
	if c.Receipt != nil {
		if err := c.Receipt.put(tx); err != nil {
			return err
		}
	}
	if err := tx.Bucket(bucketEnvelopes).Put(d.id[:], c.Envelope); err != nil {
		return err
	}
	if err := tx.Bucket(bucketSubmissions).Put(d.id[:], header); err != nil {
		return err
	}
	return tx.Bucket(bucketDrafts).Delete(d.id[:])
}

// Discard forgets the draft and frees what it wrote, and returns when that is
// done. It does nothing after a successful Commit, so it can be deferred. What a
// crash or a closed vault keeps it from doing, the sweep at the next Open does.
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
	for more, err := true, error(nil); more && err == nil; {
		err = d.vault.update(context.Background(), 0, func(tx *bolt.Tx) (err error) {
			more, err = erase(tx, d.id)
			return err
		})
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

// erasePerStep bounds what one transaction erases, in chunks, so that a large
// upload that broke off does not hold up the others.
const erasePerStep = 1000

// erase removes chunks of a draft, and with the last ones its mark. It leaves
// alone what has become a submission.
func erase(tx *bolt.Tx, id ID) (more bool, err error) {
	if tx.Bucket(bucketSubmissions).Get(id[:]) != nil {
		return false, nil
	}
	chunks := tx.Bucket(bucketChunks)
	for range erasePerStep {
		k, _ := chunks.Cursor().Seek(id[:])
		if !bytes.HasPrefix(k, id[:]) {
			return false, tx.Bucket(bucketDrafts).Delete(id[:])
		}
		if err := chunks.DeleteBucket(bytes.Clone(k)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// sweep erases the drafts that a crash interrupted.
func sweep(db *bolt.DB) error {
	var ids []ID
	err := db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketDrafts).ForEach(func(k, _ []byte) error {
			var id ID
			copy(id[:], k)
			ids = append(ids, id)
			return nil
		})
	})
	for _, id := range ids {
		for more := true; more && err == nil; {
			err = db.Update(func(tx *bolt.Tx) (err error) {
				more, err = erase(tx, id)
				return err
			})
		}
	}
	if err != nil {
		return fmt.Errorf("failed to sweep interrupted uploads: %w", err)
	}
	return nil
}

// chunkKey is id, item and sequence number, so that a payload's chunks lie in
// order; FORMAT.md, section 2.4.
func chunkKey(id ID, item, seq uint32) []byte {
	key := make([]byte, 0, len(id)+8)
	key = append(key, id[:]...)
	key = binary.BigEndian.AppendUint32(key, item)
	return binary.BigEndian.AppendUint32(key, seq)
}
