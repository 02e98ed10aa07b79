package vault

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkHeaders tells what is wrong with the two pages that say where all else is.
func (v *verification) checkHeaders() {
	g := v.image
	for i, h := range g.headers {
		switch {
		case !h.valid && g.meta.freelist != noFreelist:
			v.damage("vault.db: header %d is damaged; the other one is good, so nothing else suffers", i)
		case !h.valid:
			v.damage("vault.db: header %d is damaged; the other one is good, but may be the older of the two: then the last change that was made is lost", i)
		case h.flawed:
			v.damage("vault.db: header %d has a wrong byte that nothing reads", i)
		}
	}
	if short := g.end() - g.size; short > 0 {
		v.damage("vault.db is cut short: %d bytes are missing at its end", short)
	}
}

// findBuckets finds where each bucket begins, and refuses another version.
func (v *verification) findBuckets() error {
	g := v.image
	g.walk(subtree{root: g.meta.root}, v.badPlace([]byte("the list of buckets")), func(e element) bool {
		s, err := e.bucket()
		known := slices.ContainsFunc(allBuckets, func(name []byte) bool { return string(name) == string(e.key) })
		switch {
		case !known:
			v.damage("vault.db: there is a bucket that no vault has")
		case err != nil:
			v.missingBucket(e.key)
		default:
			v.buckets[string(e.key)] = s
		}
		return true
	})
	for _, name := range allBuckets {
		if _, ok := v.buckets[string(name)]; !ok {
			v.missingBucket(name)
		}
	}
	return v.checkVersion()
}

func (v *verification) missingBucket(name []byte) {
	v.broken = true
	v.damage("vault.db: nothing of %s can be read, and the server cannot start with it", name)
}

func (v *verification) checkVersion() error {
	e, ok, err := v.find(bucketMeta, keyVersion)
	switch {
	case err != nil || !ok || len(e.value) != 4 || e.isBucket:
		v.damage("vault.db: the format version cannot be read, and the server cannot start with it")
		return nil
	}
	version := binary.BigEndian.Uint32(e.value)
	switch {
	case version == 1:
		return errors.New("the vault has format version 1: it can be verified after a server was started with it, which upgrades it")
	case version == FormatVersion+1, version < 1<<8 && version > FormatVersion:
		return fmt.Errorf("the vault has format version %d, this program knows %d", version, FormatVersion)
	case version != FormatVersion:
		v.damage("vault.db: the format version is damaged, and the server cannot start with it")
	}
	return nil
}

// find is a lookup by key; not ok also when the bucket is missing.
func (v *verification) find(bucket, key []byte) (element, bool, error) {
	s, ok := v.buckets[string(bucket)]
	if !ok {
		return element{}, false, ErrDamaged
	}
	return v.image.find(s, key)
}

// value is find for a value with a checksum: nil when there is none.
func (v *verification) value(bucket, key []byte) ([]byte, error) {
	e, ok, err := v.find(bucket, key)
	if err != nil || !ok {
		return nil, err
	}
	if e.isBucket {
		return nil, ErrDamaged
	}
	return unstamp(key, e.value)
}

// has tells whether a bucket has a key; damage counts as having.
func (v *verification) has(bucket, key []byte) bool {
	_, ok, err := v.find(bucket, key)
	return ok || err != nil
}

// badPlace notes what cannot be read of a bucket.
func (v *verification) badPlace(bucket []byte) func(place) {
	return func(p place) {
		if p.harmless {
			v.damage("vault.db, %s: %s: nothing reads it", bucket, p.err)
			return
		}
		v.broken = true
		v.damage("vault.db, %s: a part cannot be read: %s", bucket, p.err)
	}
}

// each walks a bucket of values. What has a wrong checksum is visited without
// its value.
func (v *verification) each(bucket []byte, visit func(key, value []byte, sound bool)) {
	s, ok := v.buckets[string(bucket)]
	if !ok {
		return
	}
	v.image.walk(s, v.badPlace(bucket), func(e element) bool {
		value, err := unstamp(e.key, e.value)
		if e.isBucket {
			err = ErrDamaged
		}
		visit(e.key, value, err == nil)
		return v.goOn()
	})
}

// checkMeta reads what is known by name.
func (v *verification) checkMeta() {
	want := map[string]string{
		string(keySalt):     "the vault's salt is damaged: no source can open a mailbox, and no new one can be made",
		string(keySlots):    "the id of the slots file is damaged: the server cannot start",
		string(keyFiles):    "the digests of the key files are damaged: the keys were not checked",
		string(keyDay):      "the last day that the server saw is damaged: nothing is deleted by retention or limits until somebody confirms the day",
		string(keyRestored): "where the log tells of the last restoration is damaged: return parcels of desks that saw more than the backup may be refused",
	}
	v.each(bucketMeta, func(key, value []byte, sound bool) {
		said, known := want[string(key)]
		delete(want, string(key))
		switch {
		case string(key) == string(keyVersion):
		case !known:
			v.damage("vault.db, meta: there is something that no vault has")
		case !v.takeMeta(key, value, sound):
			v.damage("vault.db: %s", said)
		}
	})
	delete(want, string(keyFiles))
	delete(want, string(keyRestored))
	delete(want, string(keyDay))
	for key, said := range want {
		if _, there := v.buckets[string(bucketMeta)]; there && v.err == nil {
			v.damage("vault.db, meta: %s is missing: %s", key, said)
		}
	}
}

// takeMeta keeps what is needed later, and returns false for what is damaged.
func (v *verification) takeMeta(key, value []byte, sound bool) bool {
	switch string(key) {
	case string(keySalt):
		return sound && len(value) == saltSize
	case string(keySlots):
		if sound = sound && len(value) == slotsIDSize; sound {
			v.slotsID = value
		}
	case string(keyDay):
		_, err := age(string(value), string(value))
		return sound && err == nil
	case string(keyFiles):
		return sound && json.Unmarshal(value, &v.report.Files) == nil
	case string(keyRestored):
		if sound = sound && len(value) == 8; sound {
			v.noted = int64(binary.BigEndian.Uint64(value))
		} else {
			v.noted = notKnown
		}
	}
	return sound
}

// checkMarks reads the buckets of what is going on.
func (v *verification) checkMarks() {
	for _, bucket := range [][]byte{bucketDrafts, bucketDeleting} {
		v.each(bucket, func(key, value []byte, sound bool) {
			if !sound || len(key) != len(ID{}) || len(value) > 0 {
				v.damage("vault.db, %s: a mark is damaged: what an interrupted upload or deletion left may stay", bucket)
			}
		})
	}
}

// checkRest reads what stands for itself.
func (v *verification) checkRest() {
	v.plain(bucketPolicies, nil, func(key []byte) string { return fmt.Sprintf("the policy of channel %s is damaged", key) })
	v.plain(bucketMailboxes, &v.report.Fine.Mailboxes, func([]byte) string {
		return "the key of a mailbox is damaged: its source cannot read receipts and replies any more"
	})
	v.plain(bucketReceipts, &v.report.Fine.Receipts, func([]byte) string { return "a receipt in a mailbox is damaged" })
	v.plain(bucketReplies, &v.report.Fine.Replies, func([]byte) string { return "a reply in a mailbox is damaged: its source cannot read it" })
	v.plain(bucketDesks, nil, func(key []byte) string {
		return fmt.Sprintf("what is known of the desk of reviewer %s is damaged: its return parcels will be refused", printable(key))
	})
	v.plain(bucketOrders, &v.report.Fine.Orders, func(key []byte) string {
		return fmt.Sprintf("the signed order %s is damaged: desks cannot be shown who ordered its deletions", hex.EncodeToString(key))
	})
	v.ofSubmissions(bucketAcks, len(ID{})+32, "a reviewer's acknowledgement is damaged")
	v.ofSubmissions(bucketOpened, len(ID{}), "the mark that a reviewer has opened it is damaged")
}

func (v *verification) plain(bucket []byte, count *int, said func(key []byte) string) {
	v.each(bucket, func(key, _ []byte, sound bool) {
		switch {
		case !sound:
			v.damage("vault.db: %s", said(key))
		case count != nil:
			*count++
		}
	})
}

// ofSubmissions reads a bucket whose keys begin with a submission's id.
func (v *verification) ofSubmissions(bucket []byte, length int, said string) {
	v.each(bucket, func(key, _ []byte, sound bool) {
		if len(key) != length {
			v.damage("vault.db, %s: a key is damaged", bucket)
			return
		}
		id := ID(key[:len(ID{})])
		switch there := v.has(bucketSubmissions, id[:]); {
		case !sound && there:
			v.affect(id, true, "%s", said)
		case !sound:
			v.damage("vault.db, %s: %s", bucket, said)
		case !there && !v.has(bucketDeleting, id[:]):
			v.strays[id] = true
		}
	})
}

// printable keeps what a flipped bit made of a name from reaching the terminal.
func printable(key []byte) string { return strings.ToValidUTF8(fmt.Sprintf("%q", key), "?") }

// checkChannels reads the rosters, and compares them with their leaves.
func (v *verification) checkChannels() {
	s, ok := v.buckets[string(bucketChannels)]
	if !ok {
		return
	}
	bad := v.badPlace(bucketChannels)
	v.image.walk(s, bad, func(e element) bool {
		epochs, err := e.bucket()
		if err != nil {
			bad(place{err: err})
			return true
		}
		v.report.Fine.Channels++
		next := uint64(0)
		v.image.walk(epochs, bad, func(r element) bool {
			if len(r.key) == 8 {
				v.checkRoster(string(e.key), next, r)
				next = binary.BigEndian.Uint64(r.key) + 1
			} else {
				v.damage("vault.db: a roster of channel %s is damaged", printable(e.key))
			}
			return v.goOn()
		})
		return v.goOn()
	})
	for at := range v.rosters {
		v.damage("vault.db: the roster of channel %s at epoch %d is missing", printable([]byte(at.channel)), at.epoch)
	}
}

func (v *verification) checkRoster(channel string, next uint64, e element) {
	at := rosterEpoch{channel, binary.BigEndian.Uint64(e.key)}
	roster, err := decodeRoster(channel, e.key, e.value)
	digest, logged := v.rosters[at]
	delete(v.rosters, at)
	switch {
	case err != nil, e.isBucket, roster.Channel != channel, roster.Epoch != at.epoch, at.epoch != next:
		v.damage("vault.db: the roster of channel %s at epoch %d is damaged", printable([]byte(channel)), at.epoch)
	case !logged && len(v.damagedLeaves) == 0 && !v.broken:
		v.damage("vault.db: the roster of channel %s at epoch %d has no leaf in the log", printable([]byte(channel)), at.epoch)
	case logged && digest != sha256Hex(e.value[:len(e.value)-sumSize]):
		v.damage("vault.db: the roster of channel %s at epoch %d is not the one that its leaf in the log names", printable([]byte(channel)), at.epoch)
	default:
		v.report.Fine.Rosters++
	}
}
