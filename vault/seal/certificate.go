package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

const (
	// MaxCertificate is the largest certificate that is read, in bytes. A
	// post-quantum one of ours takes 14 kB.
	MaxCertificate = 1 << 20

	// minRSABits is what ANSSI's RGS B1 asks of keys used beyond 2030.
	minRSABits = 3072

	armorStart = "-----BEGIN "
)

// ErrPrivateKey is returned by [ParseCertificate] for a key that holds secret
// parts. Callers branch on it to tell the admin that the key is burnt.
var ErrPrivateKey = errors.New("the file holds a private key, which must never leave its owner's machine")

var errArmor = errors.New("the armor of the certificate is damaged")

// A Certificate is a reviewer's OpenPGP certificate (public parts only) that
// was able to encrypt when it was read.
type Certificate struct {
	entity *openpgp.Entity
}

// ParseCertificate reads one certificate, armored or binary, of at most
// [MaxCertificate] bytes. It refuses, with the reason, everything that could
// not protect a submission: secret keys, several keys at once, weak, expired,
// revoked and encryption-less ones. now is the time that counts for expiry.
func ParseCertificate(data []byte, now time.Time) (*Certificate, error) {
	entity, err := readEntity(data)
	if err != nil {
		return nil, err
	}
	c := &Certificate{entity: entity}
	if _, err := c.encryptionKey(now); err != nil {
		return nil, err
	}
	if err := c.testEncryption(now); err != nil {
		return nil, fmt.Errorf("a test encryption to the certificate failed: %w", err)
	}
	return c, nil
}

func readEntity(data []byte) (*openpgp.Entity, error) {
	if len(data) > MaxCertificate {
		return nil, fmt.Errorf("the certificate is larger than %d bytes", MaxCertificate)
	}
	binary, err := dearmor(data)
	if err != nil {
		return nil, err
	}
	if err := inspect(binary); err != nil {
		return nil, err
	}
	ring, err := openpgp.ReadKeyRing(bytes.NewReader(binary))
	switch {
	case err != nil || len(ring) != 1:
		return nil, errors.New("not an OpenPGP certificate that this program understands")
	case hasPrivateKey(ring[0]):
		return nil, ErrPrivateKey
	}
	return ring[0], nil
}

// dearmor joins what stands in all armored blocks, so that a second one is not
// overlooked.
func dearmor(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte(armorStart)) {
		return data, nil
	}
	var binary []byte
	for at := bytes.Index(data, []byte(armorStart)); at >= 0; {
		block, err := armor.Decode(bytes.NewReader(data[at:]))
		if err != nil {
			return nil, errArmor
		}
		body, err := io.ReadAll(block.Body)
		if err != nil {
			return nil, errArmor
		}
		binary = append(binary, body...)
		at += len(armorStart)
		next := bytes.Index(data[at:], []byte(armorStart))
		if next < 0 {
			break
		}
		at += next
	}
	return binary, nil
}

// inspect looks at the packets before they are parsed: go-crypto passes over
// keys that it does not understand, secret ones too (RFC 9580, section 5).
func inspect(binary []byte) error {
	const secretKey, publicKey, secretSubkey = 5, 6, 7
	certificates := 0
	r := packet.NewOpaqueReader(bytes.NewReader(binary))
	for {
		p, err := r.Next()
		if err != nil { // the end, or damage, of which the parser will speak
			break
		}
		switch p.Tag {
		case secretKey, secretSubkey:
			return ErrPrivateKey
		case publicKey:
			certificates++
		}
	}
	if certificates > 1 {
		return errors.New("the file holds several certificates instead of one")
	}
	return nil
}

func hasPrivateKey(e *openpgp.Entity) bool {
	if e.PrivateKey != nil {
		return true
	}
	for _, sub := range e.Subkeys {
		if sub.PrivateKey != nil {
			return true
		}
	}
	return false
}

// encryptionKey picks the key that go-crypto would encrypt to, or says in
// plain words why there is none.
func (c *Certificate) encryptionKey(now time.Time) (*packet.PublicKey, error) {
	key, err := c.entity.EncryptionKeyWithError(now, config(now))
	if err == nil {
		return key.PublicKey, nil
	}
	// The clock of a machine that is never online drifts.
	if made := c.entity.PrimaryKey.CreationTime; made.After(now) {
		return nil, fmt.Errorf("the certificate is valid only from %s UTC: check the clock of the machine that made it", made.UTC().Format(time.DateTime))
	}
	return nil, refusal(err)
}

func refusal(err error) error {
	err = causes(err)
	var weak pgperrors.WeakAlgorithmError // its own text quotes bytes of the certificate
	switch {
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return errors.New("the certificate is revoked")
	case errors.Is(err, pgperrors.ErrKeyExpired), errors.Is(err, pgperrors.ErrSignatureExpired):
		return errors.New("the certificate has expired")
	case errors.As(err, &weak):
		return fmt.Errorf("the certificate is too weak: RSA needs %d bits, and DSA and ElGamal are outdated", minRSABits)
	}
	return errors.New("the certificate has no key that can encrypt")
}

// causes takes out what go-crypto's error holds and does not unwrap to. It is
// returned as a value and as a pointer.
func causes(err error) error {
	var value pgperrors.ErrEncryptionKeySelection
	var pointer *pgperrors.ErrEncryptionKeySelection
	switch {
	case errors.As(err, &value):
		return errors.Join(value.PrimaryKeyErr, value.EncSelectionErr)
	case errors.As(err, &pointer):
		return errors.Join(pointer.PrimaryKeyErr, pointer.EncSelectionErr)
	}
	return err
}

func (c *Certificate) testEncryption(now time.Time) error {
	s, err := New(Roster{c}, now)
	if err != nil {
		return err
	}
	w, err := s.Item(io.Discard)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, "test"); err != nil {
		return err
	}
	return w.Close()
}

// Fingerprint is the primary key's fingerprint in upper-case hexadecimal:
// 64 digits for a v6 certificate, 40 for a v4 one.
func (c *Certificate) Fingerprint() string {
	return strings.ToUpper(hex.EncodeToString(c.entity.PrimaryKey.Fingerprint))
}

// ValidAt says whether the certificate can encrypt at the time now.
func (c *Certificate) ValidAt(now time.Time) bool {
	_, err := c.encryptionKey(now)
	return err == nil
}

// Version is the OpenPGP version of the primary key, 4 or 6.
func (c *Certificate) Version() int { return c.entity.PrimaryKey.Version }

// Marshal returns the certificate in the binary form of RFC 9580, section 10.1.
func (c *Certificate) Marshal() ([]byte, error) {
	var b bytes.Buffer
	if err := c.entity.Serialize(&b); err != nil {
		return nil, fmt.Errorf("failed to serialize certificate: %w", err)
	}
	return b.Bytes(), nil
}

func (c *Certificate) preferences(now time.Time) (*packet.Signature, error) {
	sig, err := c.entity.PrimarySelfSignature(now, config(now))
	if err != nil || sig == nil {
		return nil, errors.New("the certificate has no valid self-signature")
	}
	return sig, nil
}
