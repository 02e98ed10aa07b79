package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	bolt "go.etcd.io/bbolt"
)

// A Header is everything the vault knows of a submission beside its ciphertext.
type Header struct {
	Channel  string  `json:"channel"`
	Day      string  `json:"day"`      // UTC, "2006-01-02"
	Epoch    uint64  `json:"epoch"`    // of the roster it was sealed to
	Payloads []int64 `json:"payloads"` // lengths in bytes; the manifest, item 0, first
}

// An Entry is a committed submission.
type Entry struct {
	ID ID
	Header
}

// Size is the sum of the payloads' lengths, in bytes.
func (h Header) Size() int64 {
	var sum int64
	for _, n := range h.Payloads {
		sum += n
	}
	return sum
}

func (h Header) encode() ([]byte, error) {
	if len(h.Payloads) == 0 {
		return nil, errors.New("the submission has no items")
	}
	return json.Marshal(h)
}

func decodeHeader(raw []byte) (Header, error) {
	var h Header
	if err := json.Unmarshal(raw, &h); err != nil {
		return h, fmt.Errorf("a submission's header is damaged: %w", err)
	}
	return h, nil
}

// entriesPerRead bounds how long a read transaction of [Vault.Entries] lives.
const entriesPerRead = 512

// Entries iterates over the committed submissions in the order of their random
// ids. It reads in short transactions: what is committed or deleted meanwhile
// may or may not be seen. It stops at the first error.
func (v *Vault) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var after []byte
		for {
			batch, err := v.entriesAfter(after)
			for _, e := range batch {
				if !yield(e, nil) {
					return
				}
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if len(batch) == 0 {
				return
			}
			after = batch[len(batch)-1].ID[:]
		}
	}
}

func (v *Vault) entriesAfter(after []byte) (batch []Entry, err error) {
	err = v.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketSubmissions).Cursor()
		k, raw := c.Seek(after)
		if after != nil && bytes.Equal(k, after) {
			k, raw = c.Next()
		}
		for ; k != nil && len(batch) < entriesPerRead; k, raw = c.Next() {
			h, err := decodeHeader(raw)
			if err != nil {
				return err
			}
			batch = append(batch, Entry{ID: ID(k), Header: h})
		}
		return nil
	})
	return batch, err
}

// Entry returns one submission, or [ErrNotFound].
func (v *Vault) Entry(id ID) (Entry, error) {
	e := Entry{ID: id}
	err := v.db.View(func(tx *bolt.Tx) (err error) {
		raw := tx.Bucket(bucketSubmissions).Get(id[:])
		if raw == nil {
			return ErrNotFound
		}
		e.Header, err = decodeHeader(raw)
		return err
	})
	return e, err
}

// Envelope returns a submission's PKESK packets, or [ErrNotFound].
func (v *Vault) Envelope(id ID) ([]byte, error) {
	var envelope []byte
	err := v.db.View(func(tx *bolt.Tx) error {
		envelope = bytes.Clone(tx.Bucket(bucketEnvelopes).Get(id[:]))
		return nil
	})
	if err == nil && envelope == nil {
		err = ErrNotFound
	}
	return envelope, err
}

// Payload returns a reader of an item's payload. Each read is a short
// transaction that copies at most one chunk.
func (v *Vault) Payload(e Entry, item int) (*io.SectionReader, error) {
	if item < 0 || item >= len(e.Payloads) {
		return nil, fmt.Errorf("item %d: %w", item, ErrNotFound)
	}
	return io.NewSectionReader(payload{v, e.ID, uint32(item)}, 0, e.Payloads[item]), nil
}

type payload struct {
	vault *Vault
	id    ID
	item  uint32
}

// ReadAt implements io.ReaderAt for [io.SectionReader], which bounds it to the
// payload's length.
func (p payload) ReadAt(b []byte, offset int64) (int, error) {
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

func (p payload) readChunk(b []byte, offset int64) (n int, err error) {
	key := chunkKey(p.id, p.item, uint32(offset/chunkSize))
	err = p.vault.db.View(func(tx *bolt.Tx) error {
		chunk := tx.Bucket(bucketChunks).Bucket(key)
		if chunk == nil {
			return io.ErrUnexpectedEOF
		}
		value := chunk.Get(keyValue)
		if within := offset % chunkSize; within < int64(len(value)) {
			n = copy(b, value[within:])
			return nil
		}
		return io.ErrUnexpectedEOF
	})
	return n, err
}
