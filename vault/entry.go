package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"
)

// A Header is everything the vault knows of a submission beside its ciphertext.
type Header struct {
	Channel  string  `json:"channel"`
	Day      string  `json:"day"`      // UTC, "2006-01-02"
	Epoch    uint64  `json:"epoch"`    // of the roster it was sealed to
	Payloads []int64 `json:"payloads"` // lengths in bytes; the manifest, item 0, first

	// Digests are the SHA-256 of the payloads, lower-case hexadecimal.
	Digests []string `json:"sha256"`
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

// header returns a submission's, or [ErrNotFound].
func header(tx *bolt.Tx, id ID) (Header, error) {
	raw := tx.Bucket(bucketSubmissions).Get(id[:])
	if raw == nil {
		return Header{}, ErrNotFound
	}
	return decodeHeader(id[:], raw)
}

func decodeHeader(key, stored []byte) (h Header, err error) {
	raw, err := unstamp(key, stored)
	switch {
	case err != nil:
	case len(key) != len(ID{}), json.Unmarshal(raw, &h) != nil, len(h.Digests) != len(h.Payloads):
		err = ErrDamaged
	}
	if err != nil {
		return Header{}, fmt.Errorf("a submission's header: %w", err)
	}
	return h, nil
}

// entriesPerRead bounds how long a read transaction of [Vault.Entries] lives.
const entriesPerRead = 512

// Entries iterates over the committed submissions in the order of their random
// ids. It reads in short transactions: what is committed or deleted meanwhile
// may or may not be seen. A header that is damaged is an error that wraps
// [ErrDamaged], with an entry of which only the ID is known; the next ones follow.
// It stops at any other error.
func (v *Vault) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var after []byte
		for {
			batch, err := v.entriesAfter(after)
			for _, e := range batch {
				v.noteDamage(e.ID, e.err, func() error {
					_, err := v.Entry(e.ID)
					return err
				})
				if !yield(e.Entry, e.err) {
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

// An entryRead is an entry, or why there is none.
type entryRead struct {
	Entry
	err error
}

func (v *Vault) entriesAfter(after []byte) (batch []entryRead, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketSubmissions).Cursor()
		k, raw := c.Seek(after)
		if after != nil && bytes.Equal(k, after) {
			k, raw = c.Next()
		}
		for ; k != nil && len(batch) < entriesPerRead; k, raw = c.Next() {
			if len(k) != len(ID{}) {
				return fmt.Errorf("a submission's id: %w", ErrDamaged)
			}
			h, err := decodeHeader(k, raw)
			batch = append(batch, entryRead{Entry{ID: ID(k), Header: h}, err})
		}
		return nil
	})
	return batch, err
}

// Entry returns one submission, or [ErrNotFound].
func (v *Vault) Entry(id ID) (Entry, error) {
	e := Entry{ID: id}
	err := v.view(func(tx *bolt.Tx) (err error) {
		e.Header, err = header(tx, id)
		return err
	})
	return e, err
}
