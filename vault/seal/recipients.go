package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// MaxEnvelope is the largest envelope that is read, in bytes: more than three
// thousand post-quantum recipients.
const MaxEnvelope = 4 << 20

// ErrForm is returned for what is not an envelope, or not an OpenPGP message.
var ErrForm = errors.New("not what OpenPGP encryption makes")

const (
	tagPKESK = 1
	tagSEIPD = 18
)

// A KeyID is whom a PKESK packet names: a subkey.
type KeyID struct {
	// Fingerprint is whole in version 6 of the packet; version 3 has only an ID.
	Fingerprint []byte
	ID          uint64 // 0 for a recipient whom the envelope hides
}

// Recipients lists whom an envelope names, in its order, duplicates included. It
// returns [ErrForm] when there is anything but PKESK packets, or none.
func Recipients(envelope []byte) ([]KeyID, error) {
	if len(envelope) == 0 || len(envelope) > MaxEnvelope {
		return nil, ErrForm
	}
	var ids []KeyID
	for r := packet.NewOpaqueReader(bytes.NewReader(envelope)); ; {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ids, nil
		}
		if err != nil || p.Tag != tagPKESK {
			return nil, ErrForm
		}
		id, err := recipient(p)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
}

func recipient(p *packet.OpaquePacket) (KeyID, error) {
	parsed, err := p.Parse()
	key, ok := parsed.(*packet.EncryptedKey)
	if err != nil || !ok {
		return KeyID{}, ErrForm
	}
	return KeyID{Fingerprint: key.KeyFingerprint, ID: key.KeyId}, nil
}

// IsMessage reports whether data is an encrypted OpenPGP message and nothing
// else: PKESK packets, then one SEIPD packet (RFC 9580, section 10.3). It looks
// into none of them.
func IsMessage(data []byte) bool {
	recipients := 0
	for r := packet.NewOpaqueReader(bytes.NewReader(data)); ; recipients++ {
		p, err := r.Next()
		switch {
		case err != nil:
			return false
		case p.Tag == tagPKESK:
			continue
		case p.Tag != tagSEIPD || recipients == 0 || len(p.Contents) == 0:
			return false
		}
		_, err = r.Next()
		return errors.Is(err, io.EOF)
	}
}

// NamesExactly reports whether recipients are the holders of these certificates:
// each of them once, nobody else, nobody hidden. Only who can no longer be
// encrypted to at the time now may be missing.
func NamesExactly(recipients []KeyID, certificates [][]byte, now time.Time) bool {
	left := recipients
	for _, raw := range certificates {
		entity, err := readEntity(raw)
		if err != nil {
			return false
		}
		rest, named := without(left, entity)
		if !named && (&Certificate{entity: entity}).ValidAt(now) {
			return false
		}
		left = rest
	}
	return len(left) == 0
}

// without takes out the first recipient that is a key of the entity.
func without(recipients []KeyID, e *openpgp.Entity) (rest []KeyID, named bool) {
	for _, id := range recipients {
		if !named && hasKey(e, id) {
			named = true
			continue
		}
		rest = append(rest, id)
	}
	return rest, named
}

func hasKey(e *openpgp.Entity, id KeyID) bool {
	is := func(k *packet.PublicKey) bool {
		if len(id.Fingerprint) > 0 {
			return bytes.Equal(id.Fingerprint, k.Fingerprint)
		}
		return id.ID != 0 && id.ID == keyID(k)
	}
	if is(e.PrimaryKey) {
		return true
	}
	for i := range e.Subkeys {
		if is(e.Subkeys[i].PublicKey) {
			return true
		}
	}
	return false
}

// keyID is the one that a packet of version 3 has (RFC 9580, section 5.5.4).
func keyID(k *packet.PublicKey) uint64 {
	if k.Version >= 6 {
		return binary.BigEndian.Uint64(k.Fingerprint)
	}
	return k.KeyId
}
