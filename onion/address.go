package onion

import (
	"crypto/sha3"
	"encoding/base32"
	"errors"
	"strings"
)

const (
	addressSuffix  = ".onion"
	addressVersion = 3
	addressLen     = 56 // characters before the suffix
)

// address writes a service's public key as its onion address: the lower-case
// base32 of PUBKEY | CHECKSUM | VERSION (rend-spec-v3, section 6), ".onion".
func address(public [32]byte) string {
	raw := make([]byte, 0, 35)
	raw = append(raw, public[:]...)
	raw = append(raw, addressChecksum(public)...)
	raw = append(raw, addressVersion)
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw)) + addressSuffix
}

func addressChecksum(public [32]byte) []byte {
	h := sha3.New256()
	h.Write([]byte(".onion checksum"))
	h.Write(public[:])
	h.Write([]byte{addressVersion})
	return h.Sum(nil)[:2]
}

// CheckAddress tells why s is not a v3 onion address, or nil. It accepts only
// what Published.Address returns: lower case, with ".onion".
func CheckAddress(s string) error {
	host, ok := strings.CutSuffix(s, addressSuffix)
	if !ok || len(host) != addressLen || host != strings.ToLower(host) {
		return errors.New("an onion address is 56 characters, a to z and 2 to 7, and .onion")
	}
	raw, err := base32.StdEncoding.DecodeString(strings.ToUpper(host))
	if err != nil {
		return errors.New("onion address holds other characters than a to z and 2 to 7")
	}
	if address([32]byte(raw[:32])) != s {
		return errors.New("onion address does not match its checksum: it was mistyped or cut")
	}
	return nil
}
