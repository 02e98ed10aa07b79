package slots

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
)

// Overhead is by how many bytes a wrapped envelope is longer: nonce and tag.
const Overhead = 12 + 16

// A Key wraps the envelope of one submission. It prints as its type's name, so
// that it cannot slip into a log.
type Key struct{ bytes [keySize]byte }

// Format implements [fmt.Formatter] for every verb.
func (Key) Format(s fmt.State, _ rune) { io.WriteString(s, "slots.Key") }

// boundTo is what a wrapped envelope is authenticated with: the format, so that
// no later one can be passed off as this, and the submission, so that envelopes
// cannot be exchanged.
func boundTo(id [16]byte) []byte { return append([]byte("sourdine envelope 1\n"), id[:]...) }

// Wrap encrypts an envelope of submission id with AES-256-GCM (NIST SP
// 800-38D) under a random nonce: nonce (12 bytes), ciphertext, tag (16). With
// random nonces a key is good for far more envelopes (2^32) than one
// submission will have.
func (k Key) Wrap(id [16]byte, envelope []byte) []byte {
	return k.aead().Seal(nil, nil, envelope, boundTo(id))
}

// Unwrap returns the envelope that [Key.Wrap] was given. It fails when the
// bytes, the id or the key are not those of Wrap.
func (k Key) Unwrap(id [16]byte, wrapped []byte) ([]byte, error) {
	if len(wrapped) < Overhead {
		return nil, errors.New("a wrapped envelope is cut short")
	}
	envelope, err := k.aead().Open(nil, nil, wrapped, boundTo(id))
	if err != nil {
		return nil, errors.New("a wrapped envelope does not open with its slot's key")
	}
	return envelope, nil
}

func (k Key) aead() cipher.AEAD {
	block, err := aes.NewCipher(k.bytes[:])
	if err != nil {
		panic(err) // only for another length than the type's
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for a block that is not AES
	}
	return aead
}
