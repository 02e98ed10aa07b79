package vaulttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"

	"sourdine/vault"
)

func (c *contents) readHeaders() error {
	return c.bucket("submissions").ForEach(func(k, stored []byte) error {
		var h vault.Header
		decoder := json.NewDecoder(bytes.NewReader(value(stored)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&h); err != nil {
			return err
		}
		if len(k) != 16 || len(h.Payloads) == 0 || len(h.Payloads) != len(h.Digests) {
			return fmt.Errorf("the header of %x has %d lengths and %d digests", k, len(h.Payloads), len(h.Digests))
		}
		c.headers[vault.ID(k)] = h
		return nil
	})
}

type item struct {
	id vault.ID
	n  uint32
}

// A stored payload is what the chunks of an item add up to.
type stored struct {
	length int64
	chunks uint32
	hash   hash.Hash
}

// checkPayloads compares the chunks with the headers, byte by byte.
func (c *contents) checkPayloads() error {
	payloads, err := c.readChunks()
	if err != nil {
		return err
	}
	for id, h := range c.headers {
		for n, want := range h.Payloads {
			got := payloads[item{id, uint32(n)}]
			delete(payloads, item{id, uint32(n)})
			if got == nil {
				got = &stored{hash: sha256.New()}
			}
			digest := hex.EncodeToString(got.hash.Sum(nil))
			if got.length != want || digest != h.Digests[n] {
				return fmt.Errorf("payload %d of %s has %d bytes and digest %s, its header says %d and %s", n, id, got.length, digest, want, h.Digests[n])
			}
		}
	}
	for i := range payloads {
		if c.bucket("drafts").Get(i.id[:]) == nil && c.bucket("deleting").Get(i.id[:]) == nil {
			return fmt.Errorf("item %d of %s belongs to nothing", i.n, i.id)
		}
	}
	return nil
}

func (c *contents) readChunks() (map[item]*stored, error) {
	payloads := map[item]*stored{}
	chunks := c.bucket("chunks")
	err := chunks.ForEachBucket(func(k []byte) error {
		if len(k) != 24 {
			return fmt.Errorf("a chunk's key has %d bytes", len(k))
		}
		i := item{vault.ID(k[:16]), binary.BigEndian.Uint32(k[16:])}
		p := payloads[i]
		if p == nil {
			p = &stored{hash: sha256.New()}
			payloads[i] = p
		}
		_, visible := c.headers[i.id]
		if seq := binary.BigEndian.Uint32(k[20:]); visible && seq != p.chunks {
			return fmt.Errorf("chunk %d of item %d of %s follows %d chunks", seq, i.n, i.id, p.chunks)
		}
		chunk := value(chunks.Bucket(k).Get([]byte("v")))
		p.chunks++
		p.length += int64(len(chunk))
		p.hash.Write(chunk)
		return nil
	})
	return payloads, err
}

// checkOwners finds what belongs to no submission, and submissions that are
// drafts or deleted as well.
func (c *contents) checkOwners() error {
	for _, name := range []string{"envelopes", "acks", "opened"} {
		err := c.bucket(name).ForEach(func(k, _ []byte) error {
			_, visible := c.headers[vault.ID(k)]
			if !visible && c.bucket("deleting").Get(k[:16]) == nil {
				return fmt.Errorf("%x in %s has no submission", k, name)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for id := range c.headers {
		for _, name := range []string{"drafts", "deleting"} {
			if c.bucket(name).Get(id[:]) != nil {
				return fmt.Errorf("submission %s is in %s as well", id, name)
			}
		}
		if len(c.bucket("envelopes").Get(id[:])) <= 8 {
			return fmt.Errorf("submission %s has no envelope", id)
		}
	}
	return nil
}

// checkMailboxes finds receipts and replies without a mailbox.
func (c *contents) checkMailboxes() error {
	for _, name := range []string{"receipts", "replies"} {
		err := c.bucket(name).ForEach(func(k, _ []byte) error {
			if len(k) != 32 || c.bucket("mailboxes").Get(k[:16]) == nil {
				return fmt.Errorf("%x in %s has no mailbox", k, name)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
