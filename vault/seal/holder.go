package seal

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A Holder is whose certificate it is, as envelopes name them: by a key that may
// be encrypted to. Those are the ones that the primary key vouches for, whenever
// that was, and has not revoked: an envelope stays what it is when a certificate
// expires. Who hangs a key of their own on somebody's certificate has no signature
// for it.
type Holder struct {
	Fingerprint string // as [Certificate.Fingerprint]
	certificate []byte
	keys        []*packet.PublicKey
}

// ReadHolder reads a certificate, armored or binary, expired or not. One that
// never could be encrypted to has a holder whom no envelope can name.
func ReadHolder(certificate []byte) (Holder, error) {
	e, err := readEntity(certificate)
	if err != nil {
		return Holder{}, err
	}
	h := Holder{Fingerprint: (&Certificate{entity: e}).Fingerprint(), certificate: certificate}
	var always time.Time // no check of times
	for i := range e.Subkeys {
		if sig, err := e.Subkeys[i].Verify(always, nil); err == nil && mayEncrypt(sig, e.Subkeys[i].PublicKey) {
			h.keys = append(h.keys, e.Subkeys[i].PublicKey)
		}
	}
	if sig, err := e.VerifyPrimaryKey(always, nil); err == nil && mayEncrypt(sig, e.PrimaryKey) {
		h.keys = append(h.keys, e.PrimaryKey)
	}
	return h, nil
}

func mayEncrypt(sig *packet.Signature, key *packet.PublicKey) bool {
	return key.PubKeyAlgo.CanEncrypt() && sig.FlagsValid && (sig.FlagEncryptCommunications || sig.FlagEncryptStorage)
}

// CanBeNamed reports whether an envelope could name the holder.
func (h Holder) CanBeNamed() bool { return len(h.keys) > 0 }

// Is reports whether an envelope's recipient is the holder.
func (h Holder) Is(recipient KeyID) bool {
	for _, k := range h.keys {
		if len(recipient.Fingerprint) > 0 && bytes.Equal(recipient.Fingerprint, k.Fingerprint) ||
			len(recipient.Fingerprint) == 0 && recipient.ID != 0 && recipient.ID == keyID(k) {
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

// ExpiredBy tells whether nobody could encrypt to the holder any more at the time
// at, who could be encrypted to before: then an envelope may leave them out. It
// reads the certificate anew: go-crypto remembers in it which signatures held at
// the first time asked about.
func (h Holder) ExpiredBy(at time.Time) bool {
	e, err := readEntity(h.certificate)
	if err != nil || !h.CanBeNamed() || e.PrimaryKey.CreationTime.After(at) {
		return false // not good yet is not expired
	}
	_, ok := e.EncryptionKey(at, &packet.Config{Time: func() time.Time { return at }})
	return !ok
}

// NamesExactly reports whether an envelope's recipients are these holders: each of
// them once, nobody else, nobody hidden. Only who had expired at the time now may
// be missing.
func NamesExactly(recipients []KeyID, holders []Holder, now time.Time) bool {
	named := make([]int, len(holders))
	for _, r := range recipients {
		known := false
		for i, h := range holders {
			if !known && h.Is(r) {
				known = true
				named[i]++
			}
		}
		if !known {
			return false
		}
	}
	for i, h := range holders {
		if named[i] > 1 || named[i] == 0 && !h.ExpiredBy(now) {
			return false
		}
	}
	return true
}
