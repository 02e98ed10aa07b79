//go:build crash && linux && amd64

package crash

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// A ledger is what the world outside knows of a home: what it sent, what it was
// told, and what it may therefore demand.
type ledger struct {
	mu       sync.Mutex
	vaultKey string
	sent     map[string]*sent // by message
	keys     []slotKey
	leaves   [][]byte // of the log, as far as a parcel showed it
	head     translog.Checkpoint
	sequence uint64            // of the last return parcel whose receipt was seen
	inFlight *returned         // sent after it, and not answered
	channels []string          // whose making was confirmed
	carried  map[vault.ID]bool // acknowledged by the reviewer's desk
}

// A sent is a submission on its way or there.
type sent struct {
	digest string   // of its file, "" without one
	id     vault.ID // once a parcel showed it
	acked  bool     // the receipt was seen
	ending bool     // its deletion was asked for
	ended  bool     // its deletion was confirmed
}

// A slotKey is a wrapping key that a submission had.
type slotKey struct {
	id   vault.ID
	slot uint32
	key  []byte
}

func newLedger() *ledger { return &ledger{sent: map[string]*sent{}, carried: map[vault.ID]bool{}} }

func (l *ledger) clone() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &ledger{vaultKey: l.vaultKey, sent: map[string]*sent{}, keys: slices.Clone(l.keys), leaves: slices.Clone(l.leaves),
		head: l.head, sequence: l.sequence, inFlight: l.inFlight, channels: slices.Clone(l.channels), carried: maps.Clone(l.carried)}
	for message, s := range l.sent {
		copied := *s
		c.sent[message] = &copied
	}
	return c
}

// send notes what is about to be sent; acked is to be called with the receipt.
func (l *ledger) send(message string, file []byte) (acked func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &sent{}
	if file != nil {
		s.digest = digest(file)
	}
	l.sent[message] = s
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		s.acked = true
	}
}

// pick returns up to n submissions that are known to be there.
func (l *ledger) pick(n int, wanted func(message string) bool) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var picked []string
	for _, message := range slices.Sorted(maps.Keys(l.sent)) {
		s := l.sent[message]
		if len(picked) < n && s.acked && !s.ending && s.id != (vault.ID{}) && wanted(message) {
			picked = append(picked, message)
		}
	}
	return picked
}

// end notes that the deletion of messages is asked for, or confirmed.
func (l *ledger) end(messages []string, confirmed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, message := range messages {
		l.sent[message].ending = true
		l.sent[message].ended = l.sent[message].ended || confirmed
	}
}

// compare holds what is there against what must be and what may be.
func (l *ledger) compare(there map[string]submission) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for message, got := range there {
		s, ok := l.sent[message]
		switch {
		case !ok:
			return fmt.Errorf("submission %s says %q, which nobody sent", got.id, message)
		case s.ended:
			return fmt.Errorf("submission %s (%q) was deleted, and is there", got.id, message)
		case s.digest != got.digest:
			return fmt.Errorf("submission %s (%q) came back changed", got.id, message)
		case s.id != (vault.ID{}) && s.id != got.id:
			return fmt.Errorf("%q was submission %s and is %s", message, s.id, got.id)
		}
		s.id = got.id
	}
	for message, s := range l.sent {
		if _, ok := there[message]; !ok && s.acked && !s.ending {
			return fmt.Errorf("%q was acknowledged, and is gone (submission %s)", message, s.id)
		}
	}
	return nil
}

// grow holds a log against the one before.
func (l *ledger) grow(leaves [][]byte, head translog.Checkpoint) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if int64(len(leaves)) != head.Size || len(leaves) < len(l.leaves) {
		return fmt.Errorf("the log had %d leaves, has %d, and its head says %d", len(l.leaves), len(leaves), head.Size)
	}
	for i, before := range l.leaves {
		if !bytes.Equal(before, leaves[i]) {
			return fmt.Errorf("leaf %d of the log was %s and is %s", i, before, leaves[i])
		}
	}
	hashes, err := translog.Append(0, leaves, tlog.HashReaderFunc(nil))
	if err != nil {
		return err
	}
	stored := tlog.HashReaderFunc(func(indexes []int64) (list []tlog.Hash, err error) {
		for _, i := range indexes {
			list = append(list, hashes[i])
		}
		return list, nil
	})
	if root, err := translog.Root(head.Size, stored); err != nil || root != head.Root {
		return fmt.Errorf("the checkpoint of size %d is not of the log's leaves (%v)", head.Size, err)
	}
	proof, err := translog.Consistency(l.head.Size, head.Size, stored)
	if err == nil && l.head.Size > 0 {
		err = translog.CheckConsistency(proof, l.head, head)
	}
	if err != nil {
		return fmt.Errorf("the log of %d leaves does not continue that of %d: %w", head.Size, l.head.Size, err)
	}
	l.leaves, l.head = leaves, head
	return nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
