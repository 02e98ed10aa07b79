package order

import (
	"bytes"
	stdsha256 "crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// MailboxOf returns how a reply names its mailbox: the fingerprint of the
// mailbox's v6 key, 64 upper-case hexadecimal digits. key is binary and begins
// with the key's packet: the certificate that a submission's manifest has, or the
// locked key that the vault stores. The desk reads the one, the server the
// other; the name of a submission is not needed, and before the first reply
// the server does not learn which submissions a mailbox has.
//
// It costs a SHA-256 over 2 kB and looks at nothing secret.
func MailboxOf(key []byte) (string, error) {
	const (
		tagSecretKey, tagPublicKey = 5, 6
		// What precedes the key material in a v6 key packet, secret or public:
		// version, time, algorithm, and the material's length (RFC 9580,
		// section 5.5.2).
		lengthAt, headerSize = 6, 10
	)
	bad := errors.New("not a mailbox's key")
	p, err := packet.NewOpaqueReader(bytes.NewReader(key)).Next()
	if err != nil || p.Tag != tagSecretKey && p.Tag != tagPublicKey || len(p.Contents) < headerSize || p.Contents[0] != 6 {
		return "", bad
	}
	material := int64(binary.BigEndian.Uint32(p.Contents[lengthAt:]))
	if material > int64(len(p.Contents)-headerSize) {
		return "", bad
	}
	public := p.Contents[:headerSize+material]
	// RFC 9580, section 5.5.4.3.
	h := stdsha256.New()
	h.Write(binary.BigEndian.AppendUint32([]byte{0x9B}, uint32(len(public))))
	h.Write(public)
	return fmt.Sprintf("%X", h.Sum(nil)), nil
}

func isMailbox(s string) bool { return len(s) == 64 && fingerprintForm.MatchString(s) }
