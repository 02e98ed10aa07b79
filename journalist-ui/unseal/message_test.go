package unseal_test

import (
	"bytes"
	"errors"
	"testing"

	"sourdine/journalist-ui/unseal"
	"sourdine/vault/vaulttest"
)

func TestOpenMessage(t *testing.T) {
	for name, kind := range kinds {
		a, b := vaulttest.NewKey(t, kind), vaulttest.NewKey(t, kind)
		s := newSealer(t, b, a)
		whole := append(bytes.Clone(s.Envelope()), sealed(t, s, []byte("seven b"))...)
		key := newKey(t, a)
		if got, err := key.OpenMessage(whole, 7); err != nil || string(got) != "seven b" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if _, err := key.OpenMessage(whole, 6); err == nil || errors.Is(err, unseal.ErrDamaged) {
			t.Errorf("%s: over the limit: %v", name, err)
		}
		for _, n := range []int{0, 1, 40, len(s.Envelope()) - 1, len(s.Envelope()), len(whole) - 1} {
			if _, err := key.OpenMessage(whole[:n], 7); !errors.Is(err, unseal.ErrDamaged) {
				t.Errorf("%s: cut to %d: %v", name, n, err)
			}
		}
		if _, err := newKey(t, vaulttest.NewKey(t, kind)).OpenMessage(whole, 7); !errors.Is(err, unseal.ErrNotForKey) {
			t.Errorf("%s: another key: %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	a, b := vaulttest.NewKey(t, vaulttest.PostQuantum), vaulttest.NewKey(t, vaulttest.PostQuantum)
	envelope := newSealer(t, a).Envelope()
	if ok, err := newKey(t, a).Names(envelope); !ok || err != nil {
		t.Errorf("its own: %v, %v", ok, err)
	}
	if ok, err := newKey(t, b).Names(envelope); ok || err != nil {
		t.Errorf("another's: %v, %v", ok, err)
	}
	if _, err := newKey(t, a).Names(envelope[:9]); !errors.Is(err, unseal.ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
}
