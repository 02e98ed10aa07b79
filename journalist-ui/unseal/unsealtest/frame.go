package unsealtest

import (
	"encoding/binary"
	"testing"
)

const seipd = 0xc0 | 18 // the first octet of the packet (RFC 9580, section 4.2)

// Body takes the framing off a packet in the new format: partial lengths, if
// any, and the last one (RFC 9580, section 4.2.1).
func Body(t testing.TB, payload []byte) []byte {
	t.Helper()
	var all []byte
	for rest := payload[1:]; ; {
		var n, header int
		switch first := int(rest[0]); {
		case first < 192:
			n, header = first, 1
		case first < 224:
			n, header = (first-192)<<8+int(rest[1])+192, 2
		case first < 255:
			n, header = 1<<(first&0x1f), 1
		default:
			n, header = int(binary.BigEndian.Uint32(rest[1:])), 5
		}
		if header+n > len(rest) {
			t.Fatal("the payload ends before its length says")
		}
		all = append(all, rest[header:header+n]...)
		last := rest[0] < 224 || rest[0] == 255
		if rest = rest[header+n:]; last {
			return all
		}
	}
}

// Packet frames a body as a whole packet.
func Packet(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{seipd, 255}, uint32(len(body))), body...)
}
