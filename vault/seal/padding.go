package seal

import (
	"crypto/rand"
	"io"
	"math/bits"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// MinClass is the smallest size class, in bytes of sealed plaintext: a short
// message, a long one and a small picture's manifest look alike.
const MinClass = 4 << 10

// Class returns the size class that n bytes are padded to: at least [MinClass],
// above it Padmé, which leaks O(log log n) bits and costs at most 12 %.
func Class(n int64) int64 {
	if n <= MinClass {
		return MinClass
	}
	exponent := bits.Len64(uint64(n)) - 1
	significant := bits.Len(uint(exponent))
	mask := int64(1)<<(exponent-significant) - 1
	return (n + mask) &^ mask
}

// pad writes Padding packets (RFC 9580, section 5.14) until the plaintext of
// the payload fills its size class.
func pad(w *countingWriter) error {
	gap := Class(w.n) - w.n
	if gap == 1 { // no packet is one byte long
		gap = Class(w.n+2) - w.n
	}
	for gap > 0 {
		body := largestBody(gap)
		before := w.n
		if err := packet.Padding(body).SerializePadding(w, rand.Reader); err != nil {
			return err
		}
		gap -= w.n - before
	}
	return nil
}

// largestBody returns how many bytes of padding a packet may hold so that,
// with its header, it fills a gap of n >= 2 bytes, or, where the three length
// encodings of RFC 9580, section 4.2.1 leave no such packet, so that at least
// the two bytes of an empty packet remain.
func largestBody(n int64) int64 {
	const oneOctet, twoOctets = 191, 8383
	switch {
	case n <= 2+oneOctet:
		return n - 2
	case n < 3+oneOctet+1+2:
		return oneOctet - 2
	case n <= 3+twoOctets:
		return n - 3
	case n < 6+twoOctets+1+2:
		return twoOctets - 5
	}
	return n - 6
}

// A countingWriter counts what goes into a payload.
type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
