package clientkey

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// Private is the half of a client key that stays with the reviewer. It prints
// as its public half, so that a stray %v cannot leak it.
type Private struct {
	b [32]byte
}

// New makes a client key.
func New() (Private, error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return Private{}, fmt.Errorf("making client key: %w", err)
	}
	var k Private
	copy(k.b[:], key.Bytes())
	return k, nil
}

// ParsePrivate reads what Private.Encode wrote. Its errors never quote the
// input.
func ParsePrivate(s string) (Private, error) {
	b, err := decode(s)
	if err != nil {
		return Private{}, err
	}
	return Private{b}, nil
}

// Public returns the half that the service is told.
func (k Private) Public() Public {
	// NewPrivateKey fails for other lengths than 32 only.
	key, err := ecdh.X25519().NewPrivateKey(k.b[:])
	if err != nil {
		return Public{}
	}
	var p Public
	copy(p.b[:], key.PublicKey().Bytes())
	return p
}

// Encode returns the secret in the form that Tor Browser asks for.
func (k Private) Encode() string { return encode(k.b[:]) }

// ControlBlob returns the secret in the form of the control command
// ONION_CLIENT_AUTH_ADD (control-spec, section 3.30).
func (k Private) ControlBlob() string {
	return "x25519:" + base64.StdEncoding.EncodeToString(k.b[:])
}

// AuthLine returns the line of a *.auth_private file in a client's
// ClientOnionAuthDir. The address may end in .onion or not.
func (k Private) AuthLine(address string) string {
	return strings.TrimSuffix(address, ".onion") + ":descriptor:x25519:" + k.Encode()
}

// String names the key by its public half.
func (k Private) String() string { return "private half of " + k.Public().String() }

// Format keeps every verb of fmt, %d and %#v too, from printing the secret.
func (k Private) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, k.String())
}
