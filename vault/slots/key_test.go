package slots

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func randomKey() (k Key) {
	rand.Read(k.bytes[:])
	return k
}

func TestWrap(t *testing.T) {
	key, id := randomKey(), [16]byte{1, 2, 3}
	for _, size := range []int{0, 1, 15, 16, 17, 1167, 1 << 20} {
		envelope := make([]byte, size)
		rand.Read(envelope)
		wrapped := key.Wrap(id, envelope)
		if len(wrapped) != size+Overhead {
			t.Fatalf("%d bytes became %d", size, len(wrapped))
		}
		if got, err := key.Unwrap(id, wrapped); err != nil || !bytes.Equal(got, envelope) {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if bytes.Equal(wrapped, key.Wrap(id, envelope)) {
			t.Fatal("wrapping twice gives the same: the nonce is not random")
		}
		if size >= 16 && bytes.Contains(wrapped, envelope[:16]) {
			t.Fatal("the envelope can be read")
		}
	}
}

func TestUnwrapRefuses(t *testing.T) {
	key, id, envelope := randomKey(), [16]byte{1, 2, 3}, []byte("PKESK packets")
	wrapped := key.Wrap(id, envelope)
	for i := range wrapped {
		damaged := bytes.Clone(wrapped)
		damaged[i] ^= 0x80
		if _, err := key.Unwrap(id, damaged); err == nil {
			t.Fatalf("byte %d flipped: opens", i)
		}
		if _, err := key.Unwrap(id, wrapped[:i]); err == nil {
			t.Fatalf("cut to %d bytes: opens", i)
		}
	}
	if _, err := key.Unwrap([16]byte{1, 2, 4}, wrapped); err == nil {
		t.Error("opens under another submission's id")
	}
	if _, err := randomKey().Unwrap(id, wrapped); err == nil {
		t.Error("opens with another key")
	}
	if _, err := (Key{}).Unwrap(id, wrapped); err == nil {
		t.Error("opens with a zeroed key")
	}
}

// TestKeyDoesNotPrint: whatever a log does with it.
func TestKeyDoesNotPrint(t *testing.T) {
	key := Key{[keySize]byte(bytes.Repeat([]byte{0xab}, keySize))}
	encoded, err := json.Marshal([]any{key})
	if err != nil || string(encoded) != "[{}]" {
		t.Errorf("json: %s, %v", encoded, err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%d", "%s", "%q", "%o", "%b"} {
		for _, v := range []any{key, &key, []Key{key}, map[int]Key{1: key}, struct{ K Key }{key}} {
			text := strings.ToLower(fmt.Sprintf(verb, v))
			for _, secret := range []string{"abab", "171 171", "253 253", "10101011", "\\xab"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s of %T prints it: %s", verb, v, text)
				}
			}
		}
	}
}
