package witness

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/journalist-ui/unseal"
	"sourdine/vault/seal"
)

var errCertificate = errors.New("not a certificate that this program understands")

// A subkey that can be encrypted to, in the forms in which an envelope names it.
type subkey struct{ fingerprint, keyID string }

func (s subkey) is(r unseal.Recipient) bool {
	if r.Fingerprint != "" {
		return r.Fingerprint == s.fingerprint
	}
	return r.KeyID != "" && r.KeyID == s.keyID
}

func subkeyOf(k *packet.PublicKey) subkey {
	return subkey{fingerprint: fmt.Sprintf("%X", k.Fingerprint), keyID: fmt.Sprintf("%016X", k.KeyId)}
}

// readCertificate does not ask whether the certificate has expired: an envelope
// stays what it is. Package seal reads those that are good now only.
func readCertificate(data []byte) (*openpgp.Entity, error) {
	if len(data) > seal.MaxCertificate {
		return nil, errCertificate
	}
	read := openpgp.ReadKeyRing
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN ")) {
		read = openpgp.ReadArmoredKeyRing
	}
	ring, err := read(bytes.NewReader(data))
	if err != nil || len(ring) != 1 {
		return nil, errCertificate
	}
	return ring[0], nil
}

// encryptionKeys lists the keys of a certificate that may be encrypted to: those
// that the primary key vouches for, whenever that was, and has not revoked. A
// server that hangs a subkey of its own on a reviewer's certificate has no
// signature for it.
func encryptionKeys(e *openpgp.Entity) []subkey {
	var keys []subkey
	var always time.Time // no check of times
	for i := range e.Subkeys {
		sig, err := e.Subkeys[i].Verify(always, nil)
		if err == nil && mayEncrypt(sig, e.Subkeys[i].PublicKey) {
			keys = append(keys, subkeyOf(e.Subkeys[i].PublicKey))
		}
	}
	if sig, err := e.VerifyPrimaryKey(always, nil); err == nil && mayEncrypt(sig, e.PrimaryKey) {
		keys = append(keys, subkeyOf(e.PrimaryKey))
	}
	return keys
}

func mayEncrypt(sig *packet.Signature, key *packet.PublicKey) bool {
	return key.PubKeyAlgo.CanEncrypt() && sig.FlagsValid && (sig.FlagEncryptCommunications || sig.FlagEncryptStorage)
}

// expiredBy is true of a certificate that nobody could encrypt to at the end of
// a day. It reads it anew: go-crypto remembers in it which signatures held at
// the first time asked about.
func expiredBy(certificate []byte, day string) bool {
	start, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return false
	}
	end := start.Add(24*time.Hour - time.Second)
	e, err := readCertificate(certificate)
	if err != nil || e.PrimaryKey.CreationTime.After(end) {
		return false // not good yet is not expired
	}
	_, ok := e.EncryptionKey(end, &packet.Config{Time: func() time.Time { return end }})
	return !ok
}
