package vaulttest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"sourdine/vault"
	"sourdine/vault/slots"
)

// checkSlots compares the slots file with what the vault says of it: each used
// slot has one submission, each submission one slot that opens its envelope, and
// what is not used is free.
func (c *contents) checkSlots(path string) error {
	numbers, err := c.usedSlots()
	if err != nil {
		return err
	}
	path = strings.TrimSuffix(path, ".db") + ".slots"
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && len(numbers) == 0 {
		return nil // no submission ever came
	}
	file, err := slots.Open(path, [16]byte(value(c.bucket("meta").Get([]byte("slots")))), slices.Values(numbers))
	if err != nil {
		return err
	}
	defer file.Close()
	if s := file.Stats(); s.Used != len(numbers) || s.Used+s.Free != s.Slots || s.Lost+s.Doomed+s.Zeroed > 0 {
		return fmt.Errorf("%d slots are used, of the file's %+v", len(numbers), s)
	}
	for finding, err := range file.Verify(context.Background()) {
		return errors.Join(fmt.Errorf("the slots file: %v", finding), err)
	}
	return c.checkEnvelopes(file)
}

func (c *contents) usedSlots() (numbers []uint32, err error) {
	owners := map[vault.ID]bool{}
	err = c.bucket("slots").ForEach(func(k, stored []byte) error {
		id := vault.ID(value(stored))
		if _, visible := c.headers[id]; !visible || owners[id] || len(k) != 4 {
			return fmt.Errorf("slot %x is of %s, which is not there or has another", k, id)
		}
		if number := c.bucket("envelopes").Get(id[:])[:4]; string(number) != string(k) {
			return fmt.Errorf("slot %x is of %s, whose envelope names %x", k, id, number)
		}
		owners[id] = true
		numbers = append(numbers, binary.BigEndian.Uint32(k))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(owners) != len(c.headers) {
		return nil, fmt.Errorf("%d submissions have %d slots", len(c.headers), len(owners))
	}
	err = c.bucket("spent").ForEach(func(k, stored []byte) error {
		id := vault.ID(value(stored))
		_, visible := c.headers[id]
		if !visible && c.bucket("deleting").Get(id[:]) == nil || c.bucket("slots").Get(k) != nil {
			return fmt.Errorf("slot %x was spent by %s, which is not there, or is in use", k, id)
		}
		numbers = append(numbers, binary.BigEndian.Uint32(k))
		return nil
	})
	return numbers, err
}

func (c *contents) checkEnvelopes(file *slots.File) error {
	for id := range c.headers {
		stored := value(c.bucket("envelopes").Get(id[:]))
		key, err := file.Key(binary.BigEndian.Uint32(stored))
		if err == nil {
			_, err = key.Unwrap(id, stored[4:])
		}
		if err != nil {
			return fmt.Errorf("the envelope of %s: %w", id, err)
		}
	}
	return nil
}
