package seal

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	tagLiteral = 11 // RFC 9580, section 5

	// partBits makes the parts of a Literal packet as long as an AEAD chunk, so
	// that what an upload hands over passes through without another buffer.
	partBits = 15
	partSize = 1 << partBits
)

// A literalWriter writes a Literal packet (RFC 9580, section 5.9) of unknown
// length: parts of 32 KiB (section 4.2.1.4), and the rest at Close. go-crypto's
// own writer gathers everything once more for the sake of longer parts.
type literalWriter struct {
	w io.Writer
	// rest is what does not fill a part yet.
	rest []byte
}

// literalHeader is the beginning of the packet's body: binary, no file name and
// no time. These are places where metadata leaks to whoever is given the
// plaintext message.
var literalHeader = []byte{'b', 0, 0, 0, 0, 0}

func newLiteral(w io.Writer) (*literalWriter, error) {
	if _, err := w.Write([]byte{0xc0 | tagLiteral}); err != nil {
		return nil, fmt.Errorf("failed to start a payload: %w", err)
	}
	return &literalWriter{w: w, rest: append([]byte(nil), literalHeader...)}, nil
}

// Write implements io.Writer.
func (l *literalWriter) Write(p []byte) (n int, err error) {
	for len(l.rest)+len(p)-n > partSize {
		missing := p[n : n+partSize-len(l.rest)]
		if err := l.part(missing); err != nil {
			return n, err
		}
		n += len(missing)
	}
	l.rest = append(l.rest, p[n:]...)
	return len(p), nil
}

// part writes the rest and what fills it up as one part.
func (l *literalWriter) part(missing []byte) error {
	for _, b := range [][]byte{{224 | partBits}, l.rest, missing} {
		if _, err := l.w.Write(b); err != nil {
			return fmt.Errorf("failed to write a payload: %w", err)
		}
	}
	l.rest = l.rest[:0]
	return nil
}

// Close writes the rest, whose length is known now. It leaves w open.
func (l *literalWriter) Close() error {
	for _, b := range [][]byte{lengthOf(len(l.rest)), l.rest} {
		if _, err := l.w.Write(b); err != nil {
			return fmt.Errorf("failed to end a payload: %w", err)
		}
	}
	return nil
}

// lengthOf encodes the length of a packet's last or only part (RFC 9580,
// section 4.2.1).
func lengthOf(n int) []byte {
	switch {
	case n < 192:
		return []byte{byte(n)}
	case n < 8384:
		return []byte{byte((n-192)>>8) + 192, byte(n - 192)}
	}
	return binary.BigEndian.AppendUint32([]byte{255}, uint32(n))
}
