package unseal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

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

// A Recipient is whom an envelope names: a subkey that can open it.
type Recipient struct {
	// Fingerprint of the subkey in upper-case hexadecimal. An envelope of
	// SEIPDv1 does not tell it: then it is empty.
	Fingerprint string
	// KeyID is 16 upper-case hexadecimal digits, or empty for a recipient whom
	// the envelope hides.
	KeyID string
}

// Recipients lists whom the envelope names, in its order, duplicates included.
func Recipients(envelope []byte) ([]Recipient, error) {
	packets, err := readEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	var all []Recipient
	for _, e := range packets {
		r := Recipient{Fingerprint: strings.ToUpper(hex.EncodeToString(e.KeyFingerprint))}
		if e.KeyId != anyID {
			r.KeyID = fmt.Sprintf("%016X", e.KeyId)
		}
		all = append(all, r)
	}
	return all, nil
}

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
