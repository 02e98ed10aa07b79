package order

import (
	"bytes"
	"crypto"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

const (
	maxCertificate = 1 << 20 // bytes, as in package seal
	minRSABits     = 3072    // likewise
)

func config(now time.Time) *packet.Config {
	return &packet.Config{
		DefaultHash: crypto.SHA512,
		MinRSABits:  minRSABits,
		Time:        func() time.Time { return now },
	}
}

func fingerprint(e *openpgp.Entity) string { return fmt.Sprintf("%X", e.PrimaryKey.Fingerprint) }

// readCertificate reads the reviewer's certificate anew for each check:
// go-crypto remembers in it which self-signatures held at the time of the first.
func readCertificate(data []byte, reviewer string) (*openpgp.Entity, error) {
	if len(data) > maxCertificate {
		return nil, errCertificate
	}
	read := openpgp.ReadKeyRing
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN ")) {
		read = openpgp.ReadArmoredKeyRing
	}
	ring, err := read(bytes.NewReader(data))
	switch {
	case err != nil || len(ring) != 1:
		return nil, errCertificate
	case fingerprint(ring[0]) != reviewer:
		return nil, ErrOtherKey
	}
	return ring[0], nil
}

// signer finds the key of an entity that made a signature: by its fingerprint
// when the signature tells it, else by its id.
func signer(e *openpgp.Entity, sig *packet.Signature) (sub *openpgp.Subkey, err error) {
	made := func(k *packet.PublicKey) bool {
		if len(sig.IssuerFingerprint) > 0 && !bytes.Equal(sig.IssuerFingerprint, k.Fingerprint) {
			return false
		}
		return sig.IssuerKeyId != nil && *sig.IssuerKeyId == k.KeyId && sig.Version == k.Version
	}
	if made(e.PrimaryKey) {
		return nil, nil
	}
	for i := range e.Subkeys {
		if made(e.Subkeys[i].PublicKey) {
			return &e.Subkeys[i], nil
		}
	}
	return nil, ErrOtherKey
}

// checkKey refuses a key that is not good for signing at the time at.
// go-crypto itself looks only at the time of the signature, which whoever has an
// expired key may choose.
func checkKey(e *openpgp.Entity, sig *packet.Signature, at time.Time) error {
	sub, err := signer(e, sig)
	if err != nil {
		return err
	}
	if made := e.PrimaryKey.CreationTime; at.Before(made) {
		return errOlder
	}
	if _, err := e.VerifyPrimaryKey(at, config(at)); err != nil {
		return keyRefusal(err)
	}
	if sub != nil {
		if _, err := sub.Verify(at, config(at)); err != nil {
			return keyRefusal(err)
		}
	}
	if _, ok := e.SigningKeyById(at, *sig.IssuerKeyId, config(at)); !ok {
		return errUnfit
	}
	return nil
}
