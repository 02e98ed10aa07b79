package unseal

import (
	"bytes"
	"fmt"
	"io"
)

// OpenMessage opens an envelope and a payload that stand in one piece, as an
// ordinary OpenPGP message, and returns the plaintext. It refuses more than
// limit bytes of it.
func (k *Key) OpenMessage(message []byte, limit int64) ([]byte, error) {
	split, r := 0, bytes.NewReader(message)
	for split < len(message) && tagOf(message[split]) == tagPKESK {
		if _, err := readPacket(r, tagPKESK); err != nil {
			return nil, damaged("message")
		}
		split = len(message) - r.Len()
	}
	plain, err := k.Open(message[:split], bytes.NewReader(message[split:]))
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(plain, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("the message holds more than %d bytes", limit)
	}
	return b, nil
}
