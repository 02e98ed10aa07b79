package vault

import (
	"fmt"
	"io"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// Payload returns a reader of an item's payload. Each read is a short
// transaction that copies at most one chunk; it checks the chunk's checksum
// unless the read before was of the same one. When the submission is deleted
// meanwhile the next read returns [ErrNotFound].
func (v *Vault) Payload(e Entry, item int) (*io.SectionReader, error) {
	if item < 0 || item >= len(e.Payloads) {
		return nil, fmt.Errorf("item %d: %w", item, ErrNotFound)
	}
	return io.NewSectionReader(&payload{vault: v, id: e.ID, item: uint32(item)}, 0, e.Payloads[item]), nil
}

type payload struct {
	vault *Vault
	id    ID
	item  uint32

	// checked is the number of the last chunk whose checksum was right, plus
	// one. Readers take 32 KiB at a time: a checksum of a whole chunk each time
	// would cost more than the reading.
	checked atomic.Uint64
}

// ReadAt implements io.ReaderAt for [io.SectionReader], which bounds it to the
// payload's length.
func (p *payload) ReadAt(b []byte, offset int64) (int, error) {
	done := 0
	for done < len(b) {
		n, err := p.readChunk(b[done:], offset+int64(done))
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (p *payload) readChunk(b []byte, offset int64) (n int, err error) {
	n, err = p.copyChunk(b, offset)
	p.vault.noteDamage(p.id, err, func() error {
		again := payload{vault: p.vault, id: p.id, item: p.item}
		_, err := again.copyChunk(make([]byte, 1), offset)
		return err
	})
	return n, err
}

func (p *payload) copyChunk(b []byte, offset int64) (n int, err error) {
	seq := uint32(offset / chunkSize)
	err = p.vault.view(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketSubmissions).Get(p.id[:]) == nil {
			return fmt.Errorf("submission %s: %w", p.id, ErrNotFound)
		}
		value, err := p.chunk(tx, seq)
		if err != nil {
			return fmt.Errorf("chunk %d of item %d of %s: %w", seq, p.item, p.id, err)
		}
		within := offset % chunkSize
		if within >= int64(len(value)) {
			return fmt.Errorf("chunk %d of item %d of %s: %w: it is too short", seq, p.item, p.id, ErrDamaged)
		}
		n = copy(b, value[within:])
		return nil
	})
	return n, err
}

// chunk returns a chunk, which lives as long as the transaction.
func (p *payload) chunk(tx *bolt.Tx, seq uint32) ([]byte, error) {
	key := chunkKey(p.id, p.item, seq)
	chunk := tx.Bucket(bucketChunks).Bucket(key)
	if chunk == nil {
		return nil, fmt.Errorf("%w: it is missing", ErrDamaged)
	}
	stored := chunk.Get(keyValue)
	if len(stored) >= sumSize && p.checked.Load() == uint64(seq)+1 {
		return stored[:len(stored)-sumSize], nil
	}
	value, err := unstamp(key, stored)
	if err == nil {
		p.checked.Store(uint64(seq) + 1)
	}
	return value, err
}
