package unseal

import (
	"bytes"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// The packets that package seal writes (RFC 9580, section 5).
const (
	tagPKESK   = 1
	tagLiteral = 11
	tagSEIPD   = 18
	tagPadding = 21
)

// readPacket reads a packet if its tag is the one given. It looks at the tag
// before go-crypto does: that would parse a packet of any type, and takes some,
// such as User IDs, into memory whole, whatever their size.
func readPacket(r io.Reader, tag byte) (packet.Packet, error) {
	var first [1]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return nil, err
	}
	if tagOf(first[0]) != tag {
		return nil, ErrDamaged
	}
	return packet.Read(io.MultiReader(bytes.NewReader(first[:]), r))
}

// tagOf reads the first byte of a packet, in the new format or the legacy one
// (RFC 9580, section 4.2). Tag 0 is no packet's.
func tagOf(first byte) byte {
	switch {
	case first&0x80 == 0:
		return 0
	case first&0x40 == 0:
		return first & 0x3f >> 2
	}
	return first & 0x3f
}
