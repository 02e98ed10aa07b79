package vault

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"
)

// An ID names a submission: 128 random bits, so that it tells nothing about
// order or time (promise 5).
type ID [16]byte

var idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewID returns a random id.
func NewID() ID {
	var id ID
	rand.Read(id[:])
	return id
}

// String returns the id as 26 lower-case letters and digits (RFC 4648, base 32).
func (id ID) String() string { return strings.ToLower(idEncoding.EncodeToString(id[:])) }

// ParseID reads what [ID.String] wrote.
func ParseID(s string) (ID, error) {
	var id ID
	b, err := idEncoding.DecodeString(strings.ToUpper(s))
	if err != nil || len(b) != len(id) || strings.ToLower(s) != s {
		return id, errors.New("not a submission id")
	}
	copy(id[:], b)
	if id.String() != s { // the last letter carries bits that must be zero
		return id, errors.New("not a submission id")
	}
	return id, nil
}
