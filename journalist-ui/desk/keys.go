package desk

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// generate makes a reviewer's key as RFC 9580 and draft-ietf-openpgp-pqc describe it: v6,
// ML-DSA-65+Ed25519 to sign and ML-KEM-768+X25519 to decrypt, preferring AES-256
// in GCM. It carries no name: the card does, and a certificate travels further.
func generate() (*openpgp.Entity, error) {
	e, err := openpgp.NewEntityWithoutId(&packet.Config{
		Time:          creationTime,
		V6Keys:        true,
		Algorithm:     packet.PubKeyAlgoMldsa65Ed25519,
		DefaultCipher: packet.CipherAES256,
		DefaultHash:   crypto.SHA512,
		AEADConfig:    &packet.AEADConfig{DefaultMode: packet.AEADModeGCM},
	})
	if err != nil {
		return nil, fmt.Errorf("failed to generate the reviewer's key: %w", err)
	}
	return e, nil
}

// creationTime is what a new key says of its age: the day before, at midnight
// UTC. A desk has no network to set its clock by; a key from the future is one
// that no server takes. It also tells nobody at which hour it was made.
func creationTime() time.Time {
	const day = 24 * time.Hour
	return time.Now().UTC().Truncate(day).Add(-day)
}

// lock is how the passphrase protects the key: Argon2id over 128 MiB, three
// passes, four lanes, then AES-256 in OCB (RFC 9580, sections 3.7.1.4 and 5.5.3).
// That is twice the memory that RFC 9106, section 4, recommends for machines
// where memory is short; it takes 0.5 to 1 s of a small laptop at every unlock, and
// as much for every guess.
func lock() *packet.Config {
	return &packet.Config{
		DefaultCipher: packet.CipherAES256,
		AEADConfig:    &packet.AEADConfig{DefaultMode: packet.AEADModeOCB},
		S2KConfig: &s2k.Config{
			S2KMode:      s2k.Argon2S2K,
			Argon2Config: &s2k.Argon2Config{NumberOfPasses: 3, DegreeOfParallelism: 4, Memory: 128 << 10},
		},
	}
}

// armorLocked locks the entity's private parts, for good, and returns them
// armored. The signatures must be there already: a locked key signs nothing.
func armorLocked(e *openpgp.Entity, passphrase []byte) ([]byte, error) {
	if err := e.EncryptPrivateKeys(normalized(passphrase), lock()); err != nil {
		return nil, fmt.Errorf("failed to lock the reviewer's key: %w", err)
	}
	return armored(openpgp.PrivateKeyType, func(w io.Writer) error { return e.SerializePrivateWithoutSigning(w, nil) })
}

func armorCertificate(e *openpgp.Entity) ([]byte, error) {
	return armored(openpgp.PublicKeyType, e.Serialize)
}

func armored(kind string, serialize func(io.Writer) error) ([]byte, error) {
	var b bytes.Buffer
	// RFC 9580, section 6.1: no checksum around v6 packets.
	w, err := armor.EncodeWithChecksumOption(&b, kind, nil, noChecksum)
	if err == nil {
		err = serialize(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("failed to write a key: %w", err)
	}
	return append(b.Bytes(), '\n'), nil
}

const noChecksum = false

// unlock reads what armorLocked wrote, and unlocks what decrypts. The primary
// key, which signs, stays locked. That also halves the time: go-crypto 1.5.2
// derives the same Argon2id key anew for each part (its s2k cache stores nothing).
func unlock(locked, passphrase []byte) (*openpgp.Entity, error) {
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(locked))
	if err != nil || len(ring) != 1 || ring[0].PrivateKey == nil {
		return nil, errors.New("the reviewer's key is not one that this program understands")
	}
	for _, sub := range ring[0].Subkeys {
		if sub.PrivateKey == nil || sub.PrivateKey.Decrypt(normalized(passphrase)) != nil {
			return nil, ErrPassphrase
		}
	}
	return ring[0], nil
}

func fingerprint(e *openpgp.Entity) string { return fmt.Sprintf("%X", e.PrimaryKey.Fingerprint) }
