package vaulttest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
)

// Check reads a closed vault's files as FORMAT.md describes them, not through
// package vault, and returns the first invariant that does not hold: bbolt's
// own, every checksum and digest right, nothing without an owner, the log whole
// and true, and each slot with the one who uses it.
func Check(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return err
	}
	return errors.Join(db.View(func(tx *bolt.Tx) error { return checkAll(tx, path) }), db.Close())
}

func checkAll(tx *bolt.Tx, path string) error {
	for err := range tx.Check() {
		return err
	}
	c := &contents{tx: tx, headers: map[vault.ID]vault.Header{}}
	for _, step := range []func() error{
		c.checkSums, c.readHeaders, c.checkPayloads, c.checkOwners, c.checkMailboxes, c.checkLog,
		func() error { return c.checkSlots(path) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// contents is what the file holds, as far as it was read.
type contents struct {
	tx      *bolt.Tx
	headers map[vault.ID]vault.Header
	log     ledger
}

func (c *contents) bucket(name string) *bolt.Bucket { return c.tx.Bucket([]byte(name)) }

// value returns what is stored, without its checksum, which was checked.
func value(stored []byte) []byte { return stored[:max(len(stored)-4, 0)] }

// checkSums finds values whose checksum is wrong, in all buckets.
func (c *contents) checkSums() error {
	return c.tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		err := sumsIn(b, string(name))
		if err != nil {
			return fmt.Errorf("bucket %s: %w", name, err)
		}
		return nil
	})
}

func sumsIn(b *bolt.Bucket, name string) error {
	return b.ForEach(func(k, stored []byte) error {
		switch {
		case name == "meta" && string(k) == "version":
			if string(stored) != "\x00\x00\x00\x02" {
				return fmt.Errorf("the version is %x", stored)
			}
			return nil
		case name == "chunks":
			return checkSum(k, b.Bucket(k).Get([]byte("v")))
		case name == "channels":
			epochs := b.Bucket(k)
			return epochs.ForEach(func(epoch, stored []byte) error {
				return checkSum(append(append([]byte{}, k...), epoch...), stored)
			})
		}
		return checkSum(k, stored)
	})
}

func checkSum(key, stored []byte) error {
	covered := append(append([]byte{}, key...), value(stored)...)
	want := crc32.Checksum(covered, crc32.MakeTable(crc32.Castagnoli))
	if len(stored) < 4 || binary.BigEndian.Uint32(stored[len(stored)-4:]) != want {
		return fmt.Errorf("the value of %x has a wrong checksum", key)
	}
	return nil
}
