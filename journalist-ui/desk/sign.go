package desk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// signer unlocks the part of the reviewer's key that signs. It is used for one
// order and forgotten: while the desk is open it stays locked, so that whoever
// sits down at it cannot order in the reviewer's name.
func (d *Desk) signer(passphrase []byte) (*openpgp.Entity, error) {
	locked, err := readFile(d.path(keyName), maxKey)
	if err != nil {
		return nil, fmt.Errorf("failed to read the reviewer's key: %w", err)
	}
	if digest := sha256.Sum256(locked); hex.EncodeToString(digest[:]) != d.mark.KeySHA256 {
		return nil, fmt.Errorf("the home's %s is damaged: restore it from a copy", keyName)
	}
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(locked))
	if err != nil || len(ring) != 1 || ring[0].PrivateKey == nil || fingerprint(ring[0]) != d.mark.Fingerprint {
		return nil, errors.New("the reviewer's key is not one that this program understands")
	}
	if ring[0].PrivateKey.Decrypt(normalized(passphrase)) != nil {
		return nil, ErrPassphrase
	}
	return ring[0], nil
}
