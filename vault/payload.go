package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	bolt "go.etcd.io/bbolt"
)

// maxItems bounds the items of a submission, and with them its header.
const maxItems = 1 << 16

// A PayloadWriter takes the payload of one item of a draft. It gathers chunks
// and hands them to the writer; it waits when the disk does not keep up.
type PayloadWriter struct {
	ctx    context.Context
	draft  *Draft
	item   uint32
	seq    uint32
	length int64
	hash   hash.Hash
	buf    []byte
	closed bool
}

// Item begins the payload of item n. ctx bounds every wait of the writer. Each
// item is written once.
func (d *Draft) Item(ctx context.Context, n int) (*PayloadWriter, error) {
	if n < 0 || n >= maxItems {
		return nil, fmt.Errorf("item number %d is out of range", n)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, d.err
	}
	if _, twice := d.items[uint32(n)]; twice {
		return nil, fmt.Errorf("item %d of the draft was written before", n)
	}
	d.open++
	return &PayloadWriter{ctx: ctx, draft: d, item: uint32(n), hash: sha256.New()}, nil
}

// Write implements io.Writer. It fails as soon as any chunk of the draft could
// not be stored.
func (w *PayloadWriter) Write(p []byte) (int, error) {
	if err := w.draft.failure(); err != nil {
		return 0, err
	}
	written := 0
	for written < len(p) {
		if w.buf == nil {
			w.buf = w.draft.vault.takeBuffer()
		}
		n := min(len(p)-written, chunkSize-len(w.buf))
		w.buf = append(withRoom(w.buf, n), p[written:written+n]...)
		written += n
		if len(w.buf) == chunkSize {
			if err := w.flush(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// withRoom returns buf with room for n more bytes and the checksum, but never for
// more than a chunk: append alone would keep a quarter more for each upload.
func withRoom(buf []byte, n int) []byte {
	if len(buf)+n+sumSize <= cap(buf) {
		return buf
	}
	room := min(max(2*cap(buf), len(buf)+n+sumSize), chunkSize+sumSize)
	return append(make([]byte, 0, room), buf...)
}

// Close ends the payload. It does not wait for the disk: Commit does.
func (w *PayloadWriter) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	if w.buf != nil {
		if err := w.flush(); err != nil {
			return err
		}
	}
	d := w.draft
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	d.items[w.item] = item{w.length, hex.EncodeToString(w.hash.Sum(nil))}
	return d.err
}

func (w *PayloadWriter) flush() error {
	d, buf := w.draft, w.buf
	d.mu.Lock()
	d.marked = true
	d.mu.Unlock()
	key := chunkKey(d.id, w.item, w.seq)
	w.buf = nil
	w.seq++
	w.length += int64(len(buf))
	w.hash.Write(buf)
	buf = stamp(key, buf)
	err := d.vault.enqueue(w.ctx, op{
		size:  len(buf),
		apply: func(tx *bolt.Tx) error { return d.putChunk(tx, key, buf) },
		done: func(err error) {
			if err != nil {
				d.fail(fmt.Errorf("failed to store a chunk: %w", err))
			}
			d.vault.giveBuffer(buf)
		},
	})
	if err != nil {
		d.fail(err)
	}
	return err
}

// putChunk stores a chunk that has its checksum, and with the first one the mark
// by which the sweep finds the draft.
func (d *Draft) putChunk(tx *bolt.Tx, key, stamped []byte) error {
	if err := d.failure(); err != nil {
		return err
	}
	if err := put(tx.Bucket(bucketDrafts), d.id[:], nil); err != nil {
		return err
	}
	chunk, err := tx.Bucket(bucketChunks).CreateBucket(key)
	if err != nil {
		return err
	}
	return chunk.Put(keyValue, stamped)
}

// takeBuffer returns an empty buffer: one that was used before, or one that
// grows with what arrives, so that a thousand idle uploads cost little. (A
// sync.Pool would lose its buffers with every garbage collection, and at full
// speed there are fifty a second.)
func (v *Vault) takeBuffer() []byte {
	select {
	case b := <-v.buffers:
		return b[:0]
	default:
		return make([]byte, 0, 4<<10)
	}
}

func (v *Vault) giveBuffer(b []byte) {
	if cap(b) < chunkSize+sumSize {
		return // the end of a payload: not worth keeping
	}
	select {
	case v.buffers <- b:
	default: // enough are kept for a full queue and the group being written
	}
}
