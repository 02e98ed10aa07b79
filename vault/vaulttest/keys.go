package vaulttest

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// A Key is a reviewer's whole OpenPGP key, unlocked.
type Key struct {
	Entity *openpgp.Entity
}

// Configurations of the kinds of keys that Sourdine meets.
var (
	// PostQuantum is what a desk makes: v6, ML-KEM-768+X25519, AES-256-GCM.
	PostQuantum = packet.Config{
		V6Keys: true, Algorithm: packet.PubKeyAlgoMldsa65Ed25519,
		DefaultCipher: packet.CipherAES256, AEADConfig: &packet.AEADConfig{DefaultMode: packet.AEADModeGCM},
	}
	// X25519 is the v6 key that other RFC 9580 programs know.
	X25519 = packet.Config{
		V6Keys: true, Algorithm: packet.PubKeyAlgoEd25519,
		DefaultCipher: packet.CipherAES256, AEADConfig: &packet.AEADConfig{DefaultMode: packet.AEADModeGCM},
	}
	// V4 is what GnuPG and smartcards have.
	V4 = packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, DefaultCipher: packet.CipherAES256}
)

// NewKey generates a key of the given kind.
func NewKey(t testing.TB, kind packet.Config) Key {
	t.Helper()
	entity, err := openpgp.NewEntity("reviewer", "", "", &kind)
	if err != nil {
		t.Fatalf("failed to generate a key: %v", err)
	}
	return Key{Entity: entity}
}

// Certificate returns the public parts in binary form.
func (k Key) Certificate(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := k.Entity.Serialize(&b); err != nil {
		t.Fatalf("failed to serialize a certificate: %v", err)
	}
	return b.Bytes()
}

// Open decrypts envelope followed by payload as an ordinary OpenPGP message.
func (k Key) Open(envelope []byte, payload io.Reader) ([]byte, error) {
	message := io.MultiReader(bytes.NewReader(envelope), payload)
	config := &packet.Config{Time: time.Now}
	opened, err := openpgp.ReadMessage(message, openpgp.EntityList{k.Entity}, nil, config)
	if err != nil {
		return nil, fmt.Errorf("failed to open message: %w", err)
	}
	return io.ReadAll(opened.UnverifiedBody)
}

// FixedKey is the same at every run, so that a fuzzer's findings stay valid and
// all its processes have one key. It protects nothing.
func FixedKey(t testing.TB) Key {
	t.Helper()
	ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(fixedKey))
	if err != nil {
		t.Fatalf("failed to read the fixed key: %v", err)
	}
	return Key{Entity: ring[0]}
}

const fixedKey = `
-----BEGIN PGP PRIVATE KEY BLOCK-----

xUsGaVW5ABsAAAAg2L/3peGnLoZ4QWf/qB7oEnGSWvDj11rSXQFWHG2pRyoANUYv
0w25+SkaYKSNTOlXU7gBE6bqUvubS23IeCYlaknClwYfGwgAAAA4BYJpVbkAAgsH
AhUIAhYAApsDAh4BIqEGGr0vBHN71evE6LGL+OQVHbSutQ/rCj23Ra1CeB9io3IA
AAAA0IIQKiGv8rrT5P1caRHYy8NO28LNnOKLIkypljuKcucVjwIKClo2WlXZdLgP
FdsFOuygH/Fb7k1lyCYanvm8Ldj7sSbR/BH5YnGx6CJIorTEcwrHSwZpVbkAGQAA
ACDaC4tOPrUIOmDhWez1MuQAzCnVmu66ahrMxwKSkH4wRgDKTNcnQaWYOtLQsQJH
D519PWIKMUPZsZq5AS06w9rI+MKLBhgbCAAAACwFgmlVuQACmwwioQYavS8Ec3vV
68TosYv45BUdtK61D+sKPbdFrUJ4H2KjcgAAAABtXxAzArnffKyPsE0A+q6NMqaj
zBzR95rW2ZfKBV14DqwJZj3wfXxmNPk5bMIAAfrUbJWVghjWrug5JkMsXlAcLl/m
kkO+oKQeVbTU0bxmRQf3CQ==
-----END PGP PRIVATE KEY BLOCK-----
`
