package clientkey

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
)

// Public is the half of a client key that a service is told. The zero value
// is no key and is refused wherever one is expected.
type Public struct {
	b [32]byte
}

// ParsePublic reads what Public.String wrote. It refuses other spellings of
// the same key, numbers outside the field (RFC 7748, section 5) and points of
// small order.
func ParsePublic(s string) (Public, error) {
	b, err := decode(s)
	if err != nil {
		return Public{}, err
	}
	k := Public{b}
	if err := k.Check(); err != nil {
		return Public{}, err
	}
	return k, nil
}

// Check tells why k must not be used, or nil. ParsePublic and New return only
// keys that pass; the zero value does not.
func (k Public) Check() error {
	if !canonical(k.b) {
		return errors.New("client key is not a canonical x25519 key")
	}
	pub, err := ecdh.X25519().NewPublicKey(k.b[:])
	if err != nil {
		return fmt.Errorf("reading client key: %w", err)
	}
	probe, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("checking client key: %w", err)
	}
	// ECDH fails when the result is all zero, which is the mark of a point of
	// small order (RFC 7748, section 6.1): its shared secret is no secret.
	if _, err := probe.ECDH(pub); err != nil {
		return errors.New("client key is a point of small order, with which anyone could enter")
	}
	return nil
}

// canonical reports whether b is below 2^255-19, little endian.
func canonical(b [32]byte) bool {
	if b[31] != 0x7f {
		return b[31] < 0x7f
	}
	for _, v := range b[1:31] {
		if v != 0xff {
			return true
		}
	}
	return b[0] < 0xed
}

// Equal compares in constant time.
func (k Public) Equal(other Public) bool {
	return subtle.ConstantTimeCompare(k.b[:], other.b[:]) == 1
}

// String is the base32 form that ADD_ONION's ClientAuthV3 takes.
func (k Public) String() string { return encode(k.b[:]) }

// AuthLine is the line of an authorized_clients/*.auth file of a Tor that is
// configured by files.
func (k Public) AuthLine() string { return "descriptor:x25519:" + k.String() }
