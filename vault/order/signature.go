package order

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// OpenPGP numbers (RFC 9580, sections 5, 5.2.1 and 9.5).
const (
	tagSignature = 2

	overBinary, overText = 0x00, 0x01

	sha256, sha384, sha512, sha3x256, sha3x512 = 8, 9, 10, 12, 14
)

// readSignature takes one Signature packet and refuses everything beside it.
// What it can be refused for is looked up in its first bytes, because the parser
// passes over versions and hashes that it does not know.
func readSignature(binary []byte) (*packet.Signature, error) {
	body, err := onlyPacket(binary)
	if err != nil {
		return nil, err
	}
	switch version, kind, hash := body[0], body[1], body[3]; {
	case version != 4 && version != 6:
		return nil, errDamaged
	case kind == overText:
		return nil, errTextMode
	case kind != overBinary:
		return nil, errKind
	case !slices.Contains([]byte{sha256, sha384, sha512, sha3x256, sha3x512}, hash):
		return nil, errWeakHash
	}
	p, err := packet.Read(bytes.NewReader(binary))
	sig, ok := p.(*packet.Signature)
	if err != nil || !ok {
		return nil, errDamaged
	}
	if slices.ContainsFunc(sig.Notations, func(n *packet.Notation) bool { return n.IsCritical }) {
		return nil, errCritical
	}
	var again bytes.Buffer
	if err := sig.Serialize(&again); err != nil {
		return nil, errDamaged
	}
	// The parser also passes over what follows a signature's numbers in its packet.
	if same, err := onlyPacket(again.Bytes()); err != nil || !bytes.Equal(same, body) {
		return nil, errDamaged
	}
	return sig, nil
}

// onlyPacket returns the body of a Signature packet, of four bytes at least,
// that has no other packet behind it.
func onlyPacket(binary []byte) ([]byte, error) {
	r := packet.NewOpaqueReader(bytes.NewReader(binary))
	first, err := r.Next()
	if err != nil || first.Tag != tagSignature || len(first.Contents) < 4 {
		return nil, errDamaged
	}
	second, err := r.Next()
	switch {
	case errors.Is(err, io.EOF):
		return first.Contents, nil
	case err == nil && second.Tag == tagSignature:
		return nil, errSeveral
	}
	return nil, errTrailing
}
