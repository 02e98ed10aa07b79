package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"iter"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault/translog"
)

func sha256Hex(b []byte) string {
	digest := sha256.Sum256(b)
	return hex.EncodeToString(digest[:])
}

// A stored value of the log, at its index. Not sound: nothing is known of it.
type numbered struct {
	index int64
	value []byte
	sound bool
}

// numbered yields what is under each index, also those where nothing is.
func (v *verification) numbered(bucket []byte) iter.Seq[numbered] {
	return func(yield func(numbered) bool) {
		next, more := int64(0), true
		v.each(bucket, func(key, value []byte, sound bool) {
			switch {
			case !more:
				return
			case len(key) != 8:
				v.damage("vault.db, %s: a key is damaged", bucket)
				return
			}
			index := int64(binary.BigEndian.Uint64(key))
			if !sound && index != next {
				index = next // the key may be what is damaged
			}
			for ; more && next < index && index-next < 1<<32; next++ {
				more = yield(numbered{index: next})
			}
			if more && index >= next {
				more = yield(numbered{index, value, sound})
				next = index + 1
			}
		})
	}
}

// checkLog recomputes the log's hashes from its leaves, and compares what all
// leaves say with what the vault holds.
func (v *verification) checkLog() {
	hashes, stop := iter.Pull(v.numbered(bucketHashes))
	defer stop()
	var tree merkle
	for leaf := range v.numbered(bucketLeaves) {
		stored, ok := hashes()
		hash := tlog.RecordHash(leaf.value)
		whole := ok && stored.sound && len(stored.value) == tlog.HashSize
		switch {
		case !leaf.sound:
			v.damagedLeaves[leaf.index] = true
			if whole {
				hash = tlog.Hash(stored.value) // to go on with
			}
		default:
			v.checkLeaf(leaf)
		}
		if !whole || leaf.sound && tlog.Hash(stored.value) != hash {
			v.damage("vault.db: the hash of leaf %d of the log is damaged; it can be computed from the leaf", leaf.index)
		}
		for _, above := range tree.push(hash) {
			stored, ok := hashes()
			if !ok || !stored.sound || !bytes.Equal(stored.value, above[:]) {
				v.damage("vault.db: a hash of the log above leaf %d is damaged; it can be computed from the leaves", leaf.index)
			}
		}
	}
	v.logSize = tree.size
	if _, more := hashes(); more {
		v.damage("vault.db: the log has more hashes than its leaves give")
		for more { // to the end of the bucket, whose pages are in use
			_, more = hashes()
		}
	}
	v.checkPending()
	v.checkPlaces()
	v.checkGone()
	v.compareRestored()
}

// A merkle is the hashes of complete subtrees, the largest first (RFC 6962,
// section 2.1).
type merkle struct {
	size    int64
	subtree []tlog.Hash
}

// push adds a leaf's hash, and returns those of the subtrees that it completes.
func (m *merkle) push(h tlog.Hash) (completed []tlog.Hash) {
	for n := m.size; n&1 == 1; n >>= 1 {
		last := len(m.subtree) - 1
		h = tlog.NodeHash(m.subtree[last], h)
		m.subtree = m.subtree[:last]
		completed = append(completed, h)
	}
	m.subtree = append(m.subtree, h)
	m.size++
	return completed
}

// checkLeaf compares a leaf of the log with what it is about.
func (v *verification) checkLeaf(n numbered) {
	leaf, err := translog.Decode(n.value)
	if err != nil {
		v.damagedLeaves[n.index] = true
		return
	}
	v.report.Fine.Leaves++
	v.note(leaf)
	if restored, ok := leaf.(translog.Restored); ok {
		v.checkRestored(n.index, restored)
		return
	}
	submission, ok := leaf.(translog.Submission)
	if !ok {
		return
	}
	id, err := ParseID(submission.ID)
	if err != nil {
		v.damagedLeaves[n.index] = true
		return
	}
	place, err := v.value(bucketLeafOf, id[:])
	if err != nil || !bytes.Equal(place, indexKey(n.index)) {
		v.placeLost(id, submission)
	}
}

func (v *verification) placeLost(id ID, s translog.Submission) {
	if v.has(bucketSubmissions, id[:]) {
		v.affect(id, true, "where its leaf is in the log is not known any more").about(s.Channel, s.Day)
		return
	}
	v.damage("vault.db: where the leaf of submission %s, which was deleted, is in the log is not known any more", id)
}

// note keeps what leaves say, for later.
func (v *verification) note(leaf translog.Leaf) {
	switch leaf := leaf.(type) {
	case translog.Submission:
		if id, err := ParseID(leaf.ID); err == nil {
			v.compareHeader(id, leaf)
		}
	case translog.Deletion:
		if id, err := ParseID(leaf.ID); err == nil {
			v.deleted[id] = true
		}
	case translog.Roster:
		v.rosters[rosterEpoch{leaf.Channel, leaf.Epoch}] = leaf.SHA256
	}
}

func (v *verification) compareHeader(id ID, leaf translog.Submission) {
	e, ok, err := v.find(bucketSubmissions, id[:])
	switch {
	case err != nil, !ok:
		v.gone[id] = true // deleted, or lost; see checkGone
		return
	}
	h, err := decodeHeader(id[:], e.value)
	switch {
	case err != nil:
		v.affect(id, false, "its header is damaged").about(leaf.Channel, leaf.Day)
	case h.Channel != leaf.Channel, h.Day != leaf.Day, h.Epoch < leaf.Epoch, !slices.Equal(h.Digests, leaf.Payloads):
		v.affect(id, true, "its header does not say what its leaf in the log says").about(leaf.Channel, leaf.Day)
	}
}

func (v *verification) checkPending() {
	v.each(bucketPending, func(key, value []byte, sound bool) {
		leaf, err := translog.Decode(value)
		if !sound || err != nil || len(key) != pendingKey {
			v.damagedLeaves[-1] = true
			v.damage("vault.db: a leaf that waits for the log is damaged: no parcel can be made")
			return
		}
		v.report.Fine.Leaves++
		v.note(leaf)
		if _, ok := leaf.(translog.Restored); ok {
			v.damage("vault.db: a restoration's leaf waits for the log, where it should have its place already")
		}
		if s, ok := leaf.(translog.Submission); ok {
			if id, err := ParseID(s.ID); err == nil {
				v.pending[id] = true
			}
		}
	})
}

// checkPlaces finds whose leaves the damaged ones are.
func (v *verification) checkPlaces() {
	unknown := map[int64]bool{}
	for index := range v.damagedLeaves {
		unknown[index] = index >= 0
	}
	v.each(bucketLeafOf, func(key, value []byte, sound bool) {
		if len(key) != len(ID{}) || !sound || len(value) != 8 {
			v.damage("vault.db: where the leaf of a submission is in the log is not known any more")
			return
		}
		index := int64(binary.BigEndian.Uint64(value))
		if v.damagedLeaves[index] || index >= v.logSize {
			delete(unknown, index)
			v.leafLost(ID(key), index)
		}
	})
	for index, inLog := range unknown {
		if inLog {
			v.damage("vault.db: leaf %d of the log is damaged; it is of a deletion, a roster, a policy or a restoration", index)
		}
	}
}

func (v *verification) leafLost(id ID, index int64) {
	raw, ok, err := v.find(bucketSubmissions, id[:])
	if err == nil && !ok {
		v.damage("vault.db: leaf %d of the log is damaged; it is of submission %s, which was deleted", index, id)
		return
	}
	a := v.affect(id, true, "its leaf in the log is damaged, but not its documents")
	if h, err := decodeHeader(id[:], raw.value); err == nil {
		a.about(h.Channel, h.Day)
	}
}

// checkGone finds submissions that the log has, and the vault not any more.
func (v *verification) checkGone() {
	if len(v.damagedLeaves) > 0 {
		return // one may be of a deletion
	}
	for id := range v.gone {
		if v.deleted[id] {
			continue
		}
		a := v.affect(id, false, "its header cannot be read")
		if place, err := v.value(bucketLeafOf, id[:]); err == nil && place != nil {
			raw, _ := v.value(bucketLeaves, place)
			if leaf, err := translog.Decode(raw); err == nil {
				s, _ := leaf.(translog.Submission)
				a.about(s.Channel, s.Day)
			}
		}
	}
}
