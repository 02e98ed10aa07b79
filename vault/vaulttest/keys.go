package vaulttest

import (
	"bytes"
	"fmt"
	"io"
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
