package parcel

import (
	"context"
	"encoding/json"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"sourdine/vault"
)

const (
	// payloadRow is the length of a payload in an index's text, without its size.
	payloadRow = len(`{"size":,"sha256":"",`) + 64 + len(`}`)

	// Lengths of what is not made yet when a parcel is cut, about: a proof's
	// line but its hashes, a hash in it, and a recipient's part of an envelope
	// (ML-KEM-768+X25519).
	proofRow  = 64
	proofHash = 47
	pkesk     = 1200
)

// A filling counts how much of a parcel is used: of its index, and in bytes. It
// looks at headers only, so that [Parts] and [NewPlan] cut a vault at the same
// places.
type filling struct {
	limit, used int // of the index
	bytes, held int64
	proof       int64 // length of a proof's line
}

func newFilling(limit int, bytes, size int64) *filling {
	return &filling{limit: limit, bytes: bytes, proof: proofRow + proofHash*int64(bits.Len64(uint64(size)))}
}

// take adds a submission if it fits. A parcel that is empty takes any: the
// source's site bounds a submission to a small part of an index, and a parcel
// must hold one at least.
func (f *filling) take(w wanted) bool {
	row := rowLength(w.Entry)
	held := int64(row) + f.proof + tarSpace(pkesk*int64(w.recipients))
	for _, size := range w.Payloads {
		held += tarSpace(size)
	}
	full := f.used+row > f.limit || f.bytes > 0 && f.held+held > f.bytes
	if f.used > 0 && full {
		return false
	}
	f.used += row
	f.held += held
	return true
}

// tarSpace is what a file takes in a tar.
func tarSpace(size int64) int64 { return tarBlock + padded(size) }

// rowLength is the length of a submission in the index or a little more: the
// envelope's size is not in the header.
func rowLength(e vault.Entry) int {
	s := Submission{ID: e.ID.String(), Channel: e.Channel, Day: e.Day, Epoch: e.Epoch, Leaf: math.MaxInt64,
		Envelope: Sealed{Size: math.MaxInt64, SHA256: strings.Repeat("0", 64)}, Payloads: []Sealed{}}
	raw, err := json.Marshal(s)
	if err != nil { // cannot be: it has texts and numbers only
		return math.MaxInt32
	}
	length := len(raw) + len(",")
	for _, size := range e.Payloads {
		length += payloadRow + len(strconv.FormatInt(size, 10))
	}
	return length
}

// Parts returns after which submissions a request is cut into parcels: one ID for
// each parcel that [NewPlan] makes of it, the request's own first. It reads every
// header.
func Parts(ctx context.Context, v *vault.Vault, r Request) ([]vault.ID, error) {
	return partsLimited(ctx, v, r, fullIndex)
}

func partsLimited(ctx context.Context, v *vault.Vault, r Request, limit int) ([]vault.ID, error) {
	s, err := r.span(v)
	if err != nil {
		return nil, err
	}
	parts, last := []vault.ID{r.After}, r.After
	f := newFilling(limit, r.Bytes, s.size)
	for w, err := range newAudience(v, r, s.size).wanted(ctx) {
		if err != nil {
			return nil, err
		}
		if w.unreadable {
			continue
		}
		if !f.take(w) {
			parts = append(parts, last)
			f.used, f.held = 0, 0
			f.take(w)
		}
		last = w.ID
	}
	return parts, nil
}
