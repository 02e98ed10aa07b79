package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/slots"
)

var errUnequal = errors.New("the new vault is not equal to the old one; nothing was changed")

// compare reads a vault of version 1 and what it was converted to, and returns an
// error unless every submission, roster, mailbox and receipt is there, and the
// same.
func compare(old, converted *bolt.Tx, file *slots.File) error {
	for err := range converted.Check() {
		return err
	}
	for _, bucket := range [][]byte{bucketMailboxes, bucketReceipts} {
		err := old.Bucket(bucket).ForEach(func(k, raw []byte) error {
			return equal(converted.Bucket(bucket), k, k, raw)
		})
		if err != nil {
			return err
		}
	}
	if err := compareRosters(old, converted); err != nil {
		return err
	}
	return old.Bucket(bucketSubmissions).ForEach(func(k, raw []byte) error {
		if err := compareSubmission(old, converted, file, ID(k), raw); err != nil {
			return fmt.Errorf("submission %s: %w", ID(k), err)
		}
		return nil
	})
}

// equal compares what is stored under key, with a checksum over summed.
func equal(b *bolt.Bucket, key, summed, want []byte) error {
	got, err := unstamp(summed, b.Get(key))
	if err == nil && !bytes.Equal(got, want) {
		err = errUnequal
	}
	return err
}

func compareRosters(old, converted *bolt.Tx) error {
	channels := old.Bucket(bucketChannels)
	return channels.ForEachBucket(func(name []byte) error {
		epochs := converted.Bucket(bucketChannels).Bucket(name)
		if epochs == nil {
			return errUnequal
		}
		return channels.Bucket(name).ForEach(func(k, raw []byte) error {
			return equal(epochs, k, rosterKey(string(name), k), raw)
		})
	})
}

func compareSubmission(old, converted *bolt.Tx, file *slots.File, id ID, raw []byte) error {
	h, err := header(converted, id)
	if err != nil {
		return err
	}
	var before Header
	if err := json.Unmarshal(raw, &before); err != nil {
		return err
	}
	before.Digests = h.Digests
	for n, length := range h.Payloads {
		digest, err := digestOf(converted, id, uint32(n), length)
		if err != nil {
			return err
		}
		if digest != h.Digests[n] {
			return errUnequal
		}
	}
	same := before.Channel == h.Channel && before.Day == h.Day && before.Epoch == h.Epoch && slices.Equal(before.Payloads, h.Payloads)
	if !same {
		return errUnequal
	}
	return compareEnvelope(old, converted, file, id)
}

func compareEnvelope(old, converted *bolt.Tx, file *slots.File, id ID) error {
	value, err := find(converted.Bucket(bucketEnvelopes), id[:])
	if err != nil {
		return err
	}
	key, err := file.Key(binary.BigEndian.Uint32(value))
	if err != nil {
		return err
	}
	envelope, err := key.Unwrap(id, value[slotSize:])
	if err == nil && !bytes.Equal(envelope, old.Bucket(bucketEnvelopes).Get(id[:])) {
		err = errUnequal
	}
	return err
}

// digestOf reads a payload and returns its SHA-256.
func digestOf(tx *bolt.Tx, id ID, item uint32, length int64) (string, error) {
	hash := sha256.New()
	p := &payload{id: id, item: item}
	for seq := uint32(0); length > 0; seq++ {
		chunk, err := p.chunk(tx, seq)
		if err != nil {
			return "", err
		}
		if len(chunk) == 0 {
			return "", ErrDamaged
		}
		hash.Write(chunk)
		length -= int64(len(chunk))
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
