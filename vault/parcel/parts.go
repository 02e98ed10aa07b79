package parcel

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"sourdine/vault"
)

// Lengths of an index's text, in bytes.
const (
	indexFrame = len(`{"version":1,"submissions":[]}`)
	payloadRow = len(`{"size":,"sha256":"",`) + 64 + len(`}`)
)

// A filling counts how much of an index is used. It looks at headers only, so
// that [Parts] and [WriteAfter] cut a vault at the same places.
type filling struct{ limit, used int }

// take adds a submission if it fits. An index that is empty takes any: the
// source's site bounds a submission to a small part of the limit, and a part
// must hold one at least.
func (f *filling) take(e vault.Entry) bool {
	if f.used == 0 {
		f.used = indexFrame + rowLength(e)
		return true
	}
	row := rowLength(e)
	if f.used+row > f.limit {
		return false
	}
	f.used += row
	return true
}

// rowLength is the length of a submission in the index or a little more: the
// envelope's size is not in the header.
func rowLength(e vault.Entry) int {
	s := Submission{ID: e.ID.String(), Channel: e.Channel, Day: e.Day, Epoch: e.Epoch,
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

// Parts returns after which submissions a vault is cut into parcels: one ID for
// each parcel that [WriteAfter] makes of it, the zero ID first. It reads every
// header.
func Parts(v *vault.Vault) ([]vault.ID, error) { return partsLimited(v, fullIndex) }

func partsLimited(v *vault.Vault, limit int) ([]vault.ID, error) {
	parts := []vault.ID{{}}
	f := filling{limit: limit}
	var last vault.ID
	for e, err := range v.Entries() {
		if err != nil {
			return nil, err
		}
		if !f.take(e) {
			parts = append(parts, last)
			f.used = 0
			f.take(e)
		}
		last = e.ID
	}
	return parts, nil
}
