package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"iter"
)

// A piece is a chunk as it is stored.
type piece struct {
	id        ID
	item, seq uint32
	value     []byte
	sound     bool
}

// pieces yields all chunks in order.
func (v *verification) pieces() iter.Seq[piece] {
	return func(yield func(piece) bool) {
		s, ok := v.buckets[string(bucketChunks)]
		if !ok {
			return
		}
		v.image.walk(s, v.badPlace(bucketChunks), func(e element) bool {
			if len(e.key) != len(ID{})+8 {
				v.damage("vault.db, chunks: a key is damaged")
				return v.goOn()
			}
			p := piece{id: ID(e.key[:len(ID{})]), item: binary.BigEndian.Uint32(e.key[16:]), seq: binary.BigEndian.Uint32(e.key[20:])}
			p.value, p.sound = v.chunkIn(e)
			return yield(p) && v.goOn()
		})
	}
}

// chunkIn reads the bucket of a chunk.
func (v *verification) chunkIn(e element) (value []byte, sound bool) {
	s, err := e.bucket()
	if err != nil {
		return nil, false
	}
	n, whole := 0, true
	v.image.walk(s, func(p place) {
		if p.harmless {
			v.badPlace(bucketChunks)(p)
		} else {
			whole = false
		}
	}, func(chunk element) bool {
		n++
		value, err = unstamp(e.key, chunk.value)
		whole = whole && err == nil && bytes.Equal(chunk.key, keyValue) && !chunk.isBucket
		return true
	})
	return value, whole && n == 1
}

// checkSubmissions reads each submission with its envelope and its payloads.
func (v *verification) checkSubmissions() {
	next, stop := iter.Pull(v.pieces())
	defer stop()
	chunk, more := next()
	skipTo := func(id ID) {
		for ; more && bytes.Compare(chunk.id[:], id[:]) < 0; chunk, more = next() {
			v.stray(chunk.id, chunk.sound)
		}
	}
	v.each(bucketSubmissions, func(key, _ []byte, _ bool) {
		if len(key) != len(ID{}) {
			v.damage("vault.db, submissions: a key is damaged")
			return
		}
		id := ID(key)
		skipTo(id)
		items := payloads{v: v, id: id}
		items.header, items.err = v.header(id)
		for ; more && chunk.id == id; chunk, more = next() {
			items.add(chunk)
		}
		items.end()
		v.checkSubmission(id, items.header, items.err)
	})
	for ; more; chunk, more = next() {
		v.stray(chunk.id, chunk.sound)
	}
	v.ofSubmissionsEnvelopes()
}

func (v *verification) header(id ID) (Header, error) {
	e, ok, err := v.find(bucketSubmissions, id[:])
	if err != nil || !ok {
		return Header{}, ErrDamaged
	}
	return decodeHeader(id[:], e.value)
}

// stray looks at a chunk without a header.
func (v *verification) stray(id ID, sound bool) {
	begun := v.has(bucketDrafts, id[:]) || v.has(bucketDeleting, id[:])
	switch {
	case !begun:
		v.strays[id] = true
	case !sound:
		v.damage("vault.db: a part of %s, an upload that broke off or a submission that is being deleted, is damaged: it will be removed anyway", id)
	}
}

// payloads compares the chunks of a submission with its header.
type payloads struct {
	v      *verification
	id     ID
	header Header
	err    error // in the header

	item   uint32
	seq    uint32
	length int64
	hash   hash.Hash
	bad    bool
}

func (p *payloads) add(c piece) {
	for p.item < c.item && int(p.item) < len(p.header.Payloads) {
		p.endItem()
	}
	if p.hash == nil {
		p.hash = sha256.New()
	}
	if !c.sound || c.item != p.item || c.seq != p.seq {
		p.bad = true
		if int(c.item) >= len(p.header.Payloads) && p.err == nil {
			p.v.damage("vault.db: there is a chunk of submission %s that it does not have", p.id)
		}
		return
	}
	p.seq++
	p.length += int64(len(c.value))
	p.hash.Write(c.value)
}

// endItem judges the item that was added last.
func (p *payloads) endItem() {
	if p.hash == nil {
		p.hash = sha256.New()
	}
	n := int(p.item)
	whole := !p.bad && p.length == p.header.Payloads[n] && hex.EncodeToString(p.hash.Sum(nil)) == p.header.Digests[n]
	if !whole {
		what := "item %d of %d is damaged"
		p.v.affect(p.id, false, what, n, len(p.header.Payloads)).about(p.header.Channel, p.header.Day)
	}
	p.item, p.seq, p.length, p.bad, p.hash = p.item+1, 0, 0, false, nil
}

func (p *payloads) end() {
	for int(p.item) < len(p.header.Payloads) {
		p.endItem()
	}
}

// checkSubmission looks at all but the payloads.
func (v *verification) checkSubmission(id ID, h Header, err error) {
	if err != nil {
		v.affect(id, false, "its header is damaged")
		return
	}
	about := func(a *Affected) { a.about(h.Channel, h.Day) }
	if err := v.checkEnvelope(id); err != nil {
		about(v.affect(id, false, "its envelope: %s", err))
	}
	if len(h.Payloads) == 0 {
		about(v.affect(id, false, "its header names no item"))
	}
	for _, bucket := range [][]byte{bucketDrafts, bucketDeleting} {
		if _, ok, err := v.find(bucket, id[:]); ok || err != nil {
			about(v.affect(id, true, "it may be among the %s too", bucket))
		}
	}
	place, err := v.value(bucketLeafOf, id[:])
	if err == nil && place == nil && !v.pending[id] {
		about(v.affect(id, true, "it has no leaf in the log that could be read"))
	}
	if a := v.affected[id]; a == nil {
		v.report.Fine.Submissions++
	} else {
		about(a)
	}
}

// ofSubmissionsEnvelopes reads the envelopes in the file; those of submissions were
// opened before.
func (v *verification) ofSubmissionsEnvelopes() {
	v.each(bucketEnvelopes, func(key, _ []byte, sound bool) {
		if len(key) != len(ID{}) {
			v.damage("vault.db, envelopes: a key is damaged")
			return
		}
		if id := ID(key); !v.has(bucketSubmissions, key) {
			v.stray(id, sound)
		}
	})
}
