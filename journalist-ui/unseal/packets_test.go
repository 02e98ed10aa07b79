package unseal_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"sourdine/journalist-ui/unseal"
	"sourdine/vault/vaulttest"
)

// counted tells how much was read.
type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

// zeros never end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

const (
	hugePacket = 32 << 20
	enough     = 1 << 20 // to see that a packet is not ours
)

// hugeHeader begins a packet of hugePacket bytes.
func hugeHeader(tag byte) []byte {
	return []byte{0xc0 | tag, 0xff, byte(hugePacket >> 24), byte(hugePacket >> 16 & 0xff), byte(hugePacket >> 8 & 0xff), 0}
}

// Package packet reads packets of these types into memory whole.
var hoarded = map[string]byte{"secret key": 5, "user id": 13, "user attribute": 17}

func TestForeignPacketsAreNotRead(t *testing.T) {
	k := vaulttest.NewKey(t, vaulttest.X25519)
	key, s := newKey(t, k), newSealer(t, k)
	for what, tag := range hoarded {
		bare := io.MultiReader(bytes.NewReader(hugeHeader(tag)), io.LimitReader(zeros{}, hugePacket))
		checkRefusedEarly(t, what+" as a payload", key, s.Envelope(), bare)
		huge := func(w io.Writer) error {
			_, err := w.Write(append(hugeHeader(tag), make([]byte, hugePacket)...))
			return err
		}
		envelope, first := compose(t, k, func(w io.WriteCloser) error { return huge(w) })
		checkRefusedEarly(t, what+" inside", key, envelope, bytes.NewReader(first))
		envelope, last := compose(t, k, func(w io.WriteCloser) error { return errors.Join(literal(w, "x"), huge(w)) })
		checkRefusedEarly(t, what+" after the literal", key, envelope, bytes.NewReader(last))
	}
}

func checkRefusedEarly(t *testing.T, what string, key *unseal.Key, envelope []byte, payload io.Reader) {
	t.Helper()
	c := &counted{r: payload}
	r, err := key.Open(envelope, c)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if !errors.Is(err, unseal.ErrDamaged) || c.n > enough {
		t.Errorf("%s: %d bytes were read, then: %v", what, c.n, err)
	}
}
