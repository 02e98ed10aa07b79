package seal

import (
	"bytes"
	"errors"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
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
