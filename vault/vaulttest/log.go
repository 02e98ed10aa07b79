package vaulttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault"
	"sourdine/vault/translog"
)

// A ledger is what the leaves say, those of the log and those that wait.
type ledger struct {
	submissions map[string]translog.Submission
	deletions   map[string]translog.Deletion
	rosters     map[string]translog.Roster // by channel and epoch
	policies    []translog.Policy
	restored    []translog.Restored
}

// checkLog recomputes every hash of the log, and compares what all leaves say
// with what the vault holds.
func (c *contents) checkLog() error {
	c.log = ledger{submissions: map[string]translog.Submission{}, deletions: map[string]translog.Deletion{}, rosters: map[string]translog.Roster{}}
	for _, step := range []func() error{c.readLog, c.compareRestored, c.readPending, c.compareSubmissions, c.compareDeletions, c.compareRosters, c.comparePolicies} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (c *contents) readPending() error {
	return c.bucket("pending").ForEach(func(k, stored []byte) error {
		if len(k) != 16 {
			return fmt.Errorf("%x in pending is not 16 bytes", k)
		}
		leaf, err := c.log.add(value(stored))
		if _, ok := leaf.(translog.Restored); ok {
			return fmt.Errorf("a restoration's leaf is pending: %s", value(stored))
		}
		return err
	})
}

func (c *contents) readLog() error {
	var leaves [][]byte
	places := 0
	err := c.bucket("leaves").ForEach(func(k, stored []byte) error {
		if len(k) != 8 || binary.BigEndian.Uint64(k) != uint64(len(leaves)) {
			return fmt.Errorf("leaf %x follows %d leaves", k, len(leaves))
		}
		leaf, err := c.log.add(value(stored))
		if err != nil {
			return err
		}
		if s, ok := leaf.(translog.Submission); ok {
			places++
			id, err := vault.ParseID(s.ID)
			if err != nil || !bytes.Equal(value(c.bucket("leafof").Get(id[:])), k) {
				return fmt.Errorf("leafof does not say that %s is leaf %x", s.ID, k)
			}
		}
		if r, ok := leaf.(translog.Restored); ok && r.Size != int64(len(leaves)) {
			return fmt.Errorf("leaf %d says that a log of %d leaves was restored", len(leaves), r.Size)
		}
		leaves = append(leaves, value(stored))
		return nil
	})
	if err != nil {
		return err
	}
	if n := c.bucket("leafof").Stats().KeyN; n != places {
		return fmt.Errorf("leafof has %d entries, the log %d submissions", n, places)
	}
	return c.checkHashes(leaves)
}

func (c *contents) checkHashes(leaves [][]byte) error {
	hashes, err := translog.Append(0, leaves, tlog.HashReaderFunc(nil))
	if err != nil {
		return err
	}
	n := 0
	err = c.bucket("hashes").ForEach(func(k, stored []byte) error {
		if len(k) != 8 || binary.BigEndian.Uint64(k) != uint64(n) || n >= len(hashes) || !bytes.Equal(value(stored), hashes[n][:]) {
			return fmt.Errorf("hash %x of the log is not that of its leaves", k)
		}
		n++
		return nil
	})
	if err == nil && n != len(hashes) {
		err = fmt.Errorf("the log has %d hashes, its leaves give %d", n, len(hashes))
	}
	return err
}

func (l *ledger) add(raw []byte) (translog.Leaf, error) {
	leaf, err := translog.Decode(raw)
	if err != nil {
		return nil, err
	}
	twice := false
	switch leaf := leaf.(type) {
	case translog.Submission:
		_, twice = l.submissions[leaf.ID]
		l.submissions[leaf.ID] = leaf
	case translog.Deletion:
		_, twice = l.deletions[leaf.ID]
		l.deletions[leaf.ID] = leaf
	case translog.Roster:
		at := fmt.Sprint(leaf.Channel, " ", leaf.Epoch)
		_, twice = l.rosters[at]
		l.rosters[at] = leaf
	case translog.Policy:
		l.policies = append(l.policies, leaf)
	case translog.Restored:
		l.restored = append(l.restored, leaf)
	}
	if twice {
		return nil, fmt.Errorf("two leaves say the same: %s", raw)
	}
	return leaf, nil
}

// compareRestored: the vault remembers the last restoration of its log.
func (c *contents) compareRestored() error {
	noted := c.bucket("meta").Get([]byte("restored"))
	if len(c.log.restored) == 0 {
		if noted != nil {
			return fmt.Errorf("the vault remembers restoration %x, and the log has none", value(noted))
		}
		return nil
	}
	last := c.log.restored[len(c.log.restored)-1]
	if want := binary.BigEndian.AppendUint64(nil, uint64(last.Size)); !bytes.Equal(value(noted), want) {
		return fmt.Errorf("the vault remembers restoration %x, the log's last is %x", value(noted), want)
	}
	return nil
}

func (c *contents) compareSubmissions() error {
	for id, h := range c.headers {
		leaf, ok := c.log.submissions[id.String()]
		if !ok {
			return fmt.Errorf("submission %s has no leaf", id)
		}
		if leaf.Channel != h.Channel || leaf.Day != h.Day || leaf.Epoch > h.Epoch || !slices.Equal(leaf.Payloads, h.Digests) {
			return fmt.Errorf("the leaf of submission %s does not say what its header says", id)
		}
	}
	for text := range c.log.submissions {
		id, err := vault.ParseID(text)
		if err != nil {
			return err
		}
		_, there := c.headers[id]
		if _, deleted := c.log.deletions[text]; there == deleted {
			return fmt.Errorf("submission %s: there %v, deleted %v", id, there, deleted)
		}
	}
	return nil
}

func (c *contents) compareDeletions() error {
	for id := range c.log.deletions {
		if _, ok := c.log.submissions[id]; !ok {
			return fmt.Errorf("%s was deleted and never accepted", id)
		}
	}
	return c.bucket("deleting").ForEach(func(k, _ []byte) error {
		if _, ok := c.log.deletions[vault.ID(k).String()]; !ok {
			return fmt.Errorf("%s is being deleted without a leaf", vault.ID(k))
		}
		return nil
	})
}

func (c *contents) compareRosters() error {
	rosters := 0
	channels := c.bucket("channels")
	err := channels.ForEachBucket(func(channel []byte) error {
		next := uint64(0)
		return channels.Bucket(channel).ForEach(func(k, stored []byte) error {
			if len(k) != 8 || binary.BigEndian.Uint64(k) != next {
				return fmt.Errorf("epoch %x of %s follows %d epochs", k, channel, next)
			}
			rosters++
			digest := sha256.Sum256(value(stored))
			leaf, ok := c.log.rosters[fmt.Sprint(string(channel), " ", next)]
			if !ok || leaf.SHA256 != hex.EncodeToString(digest[:]) {
				return fmt.Errorf("the roster of %s at epoch %d is not that of its leaf", channel, next)
			}
			next++
			return nil
		})
	})
	if err == nil && rosters != len(c.log.rosters) {
		err = fmt.Errorf("there are %d rosters and %d leaves of rosters", rosters, len(c.log.rosters))
	}
	return err
}

func (c *contents) comparePolicies() error {
	return c.bucket("policies").ForEach(func(channel, stored []byte) error {
		var p vault.Policy
		if err := json.Unmarshal(value(stored), &p); err != nil {
			return err
		}
		said := func(leaf translog.Policy) bool {
			return leaf.Channel == string(channel) && leaf.Retention == p.Retention && leaf.Limit == p.Limit
		}
		if !slices.ContainsFunc(c.log.policies, said) {
			return fmt.Errorf("the policy of %s has no leaf", channel)
		}
		return nil
	})
}
