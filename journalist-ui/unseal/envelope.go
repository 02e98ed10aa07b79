package unseal

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const (
	// MaxEnvelope is the largest envelope that is read, in bytes: more than
	// three thousand post-quantum recipients.
	MaxEnvelope = 4 << 20

	sessionKeySize = 32 // AES-256

	// The PKESK versions that belong to the two SEIPD versions (RFC 9580,
	// sections 5.1 and 10.3.2.1).
	pkeskForV1, pkeskForV2 = 3, 6
)

func readEnvelope(envelope []byte) ([]*packet.EncryptedKey, error) {
	if len(envelope) == 0 || len(envelope) > MaxEnvelope {
		return nil, damaged("envelope")
	}
	var keys []*packet.EncryptedKey
	for r := bytes.NewReader(envelope); ; {
		p, err := readPacket(r, tagPKESK)
		if errors.Is(err, io.EOF) {
			return keys, nil
		}
		key, ok := p.(*packet.EncryptedKey)
		if err != nil || !ok {
			return nil, damaged("envelope")
		}
		keys = append(keys, key)
	}
}

// A sessionKey and the version of the SEIPD packet that it may open.
type sessionKey struct {
	key     []byte
	version int
}

// sessionKey opens the envelope.
func (k *Key) sessionKey(envelope []byte) (sessionKey, error) {
	packets, err := readEnvelope(envelope)
	if err != nil {
		return sessionKey{}, err
	}
	failure := ErrNotForKey
	for _, e := range packets {
		subkey := k.named(e)
		if subkey == nil {
			continue
		}
		if s, err := decryptSessionKey(e, subkey); err == nil {
			return s, nil
		}
		failure = damaged("envelope")
	}
	return sessionKey{}, failure
}

func decryptSessionKey(e *packet.EncryptedKey, subkey *packet.PrivateKey) (sessionKey, error) {
	if err := e.Decrypt(subkey, nil); err != nil {
		return sessionKey{}, err
	}
	s := sessionKey{key: e.Key, version: 2}
	if e.Version == pkeskForV1 {
		s.version = 1
	}
	if len(s.key) != sessionKeySize || (s.version == 1 && e.CipherFunc != packet.CipherAES256) {
		return sessionKey{}, damaged("envelope")
	}
	return s, nil
}

// SessionKey opens the envelope for who makes a new one of it, for other
// recipients. v2 tells whether the payloads are SEIPDv2. The key must go nowhere
// else, and never to a disk: who has it reads the submission. The errors are
// [ErrNotForKey] and [ErrDamaged].
func (k *Key) SessionKey(envelope []byte) (key []byte, v2 bool, err error) {
	s, err := k.sessionKey(envelope)
	return s.key, s.version == 2, err
}

// Names reports whether the envelope names this key as a recipient.
func (k *Key) Names(envelope []byte) (bool, error) {
	packets, err := readEnvelope(envelope)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(packets, func(e *packet.EncryptedKey) bool { return k.named(e) != nil }), nil
}

// TryEnvelope returns nil if this key opens the envelope, else [ErrNotForKey] or
// [ErrDamaged].
func (k *Key) TryEnvelope(envelope []byte) error {
	_, err := k.sessionKey(envelope)
	return err
}
