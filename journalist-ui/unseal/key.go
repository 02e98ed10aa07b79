package unseal

import (
	"bytes"
	"errors"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// A Key is a reviewer's unlocked private key: all its subkeys that can decrypt,
// expired ones too, since a document does not expire with the key.
type Key struct {
	subkeys []*packet.PrivateKey
}

// NewKey takes the decryption subkeys of an entity that was unlocked.
func NewKey(e *openpgp.Entity) (*Key, error) {
	var k Key
	var always time.Time // no key is too old to read what was sealed to it
	for _, sub := range e.DecryptionKeys(anyID, always, nil) {
		if sub.PrivateKey == nil || sub.PrivateKey.Dummy() {
			continue
		}
		if sub.PrivateKey.Encrypted {
			return nil, errors.New("the key is locked")
		}
		k.subkeys = append(k.subkeys, sub.PrivateKey)
	}
	if len(k.subkeys) == 0 {
		return nil, errors.New("the key has no private part that can decrypt")
	}
	return &k, nil
}

const anyID = 0

// named returns the subkey that a PKESK packet names. Packets without a name
// are for nobody here: package seal names every recipient, so that a desk can
// check them against the roster.
func (k *Key) named(e *packet.EncryptedKey) *packet.PrivateKey {
	for _, sub := range k.subkeys {
		switch {
		case e.Version == pkeskForV2 && len(e.KeyFingerprint) > 0 && bytes.Equal(e.KeyFingerprint, sub.Fingerprint):
			return sub
		case e.Version == pkeskForV1 && e.KeyId != anyID && e.KeyId == sub.KeyId:
			return sub
		}
	}
	return nil
}
