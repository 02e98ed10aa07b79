package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/slots"
)

// A conversion copies a vault of version 1, whose values have no checksums, into
// a new file of this version.
type conversion struct {
	filler     filler
	slots      *slots.File
	recipients map[rosterEpoch][]string
}

// all copies everything but drafts, which end with their program.
func (c *conversion) all(old *bolt.Tx) error {
	channels := old.Bucket(bucketChannels)
	err := channels.ForEachBucket(func(name []byte) error {
		return channels.Bucket(name).ForEach(func(_, raw []byte) error { return c.roster(raw) })
	})
	if err != nil {
		return err
	}
	for _, bucket := range [][]byte{bucketMailboxes, bucketReceipts} {
		err := old.Bucket(bucket).ForEach(func(k, raw []byte) error {
			tx, err := c.filler.in(len(raw))
			if err != nil {
				return err
			}
			return put(tx.Bucket(bucket), k, raw)
		})
		if err != nil {
			return err
		}
	}
	return old.Bucket(bucketSubmissions).ForEach(func(k, raw []byte) error {
		if err := c.submission(old, k, raw); err != nil {
			return fmt.Errorf("submission %x: %w", k, err)
		}
		return nil
	})
}

// roster copies one, and lets its leaf wait for the log. Its day is that of the
// member whom the roster added, as far as it is known.
func (c *conversion) roster(raw []byte) error {
	var roster Roster
	if err := json.Unmarshal(raw, &roster); err != nil {
		return fmt.Errorf("a channel's roster is damaged: %w", err)
	}
	day := today()
	if n := len(roster.Members); n > 0 {
		if _, err := time.Parse(time.DateOnly, roster.Members[n-1].Added); err == nil {
			day = roster.Members[n-1].Added
		}
	}
	tx, err := c.filler.in(2 * len(raw))
	if err != nil {
		return err
	}
	c.recipients[rosterEpoch{roster.Channel, roster.Epoch}] = recipientHashes(roster)
	return storeRoster(tx, roster, raw, day)
}

func (c *conversion) submission(old *bolt.Tx, key, raw []byte) error {
	var h Header
	if len(key) != len(ID{}) || json.Unmarshal(raw, &h) != nil {
		return fmt.Errorf("its header is %w", ErrDamaged)
	}
	id := ID(key)
	for n, length := range h.Payloads {
		digest, err := c.payload(old, id, uint32(n), length)
		if err != nil {
			return fmt.Errorf("item %d: %w", n, err)
		}
		h.Digests = append(h.Digests, digest)
	}
	ready := commit{id: id}
	var err error
	if ready.header, err = h.encode(); err != nil {
		return err
	}
	if ready.leaf, err = encodeSubmission(id, h, c.recipients[rosterEpoch{h.Channel, h.Epoch}]); err != nil {
		return err
	}
	envelope := old.Bucket(bucketEnvelopes).Get(id[:])
	if len(envelope) == 0 {
		return fmt.Errorf("its envelope is missing: %w", ErrDamaged)
	}
	if ready.wrapped, err = wrapIn(c.slots, id, envelope); err != nil {
		return err
	}
	tx, err := c.filler.in(len(ready.header) + len(ready.leaf) + len(envelope))
	if err != nil {
		return err
	}
	return ready.put(tx)
}

// payload copies the chunks of an item, and returns its digest.
func (c *conversion) payload(old *bolt.Tx, id ID, item uint32, length int64) (string, error) {
	hash := sha256.New()
	for seq := uint32(0); length > 0; seq++ {
		key := chunkKey(id, item, seq)
		from := old.Bucket(bucketChunks).Bucket(key)
		if from == nil {
			return "", fmt.Errorf("chunk %d is missing: %w", seq, ErrDamaged)
		}
		chunk := from.Get(keyValue)
		if int64(len(chunk)) != min(length, chunkSize) {
			return "", fmt.Errorf("chunk %d has %d bytes: %w", seq, len(chunk), ErrDamaged)
		}
		to, err := c.filler.bucket([][]byte{bucketChunks, key}, len(chunk))
		if err != nil {
			return "", err
		}
		hash.Write(chunk)
		if err := to.Put(keyValue, stamp(key, bytes.Clone(chunk))); err != nil {
			return "", err
		}
		length -= int64(len(chunk))
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
