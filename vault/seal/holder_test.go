package seal_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// A holder is named by the keys that the certificate's owner vouches for, and by
// no key that somebody hung on it.
func TestHolder(t *testing.T) {
	all := members(t, vaulttest.PostQuantum, vaulttest.X25519, vaulttest.V4)
	for i, m := range all {
		h, err := seal.ReadHolder(m.raw)
		if err != nil || h.Fingerprint != rosterOf(t, m)[0].Fingerprint() || !h.CanBeNamed() || h.ExpiredBy(time.Now()) {
			t.Errorf("%d: %+v, %v", i, h, err)
		}
		for k, other := range all {
			sub, old := other.key.Entity.Subkeys[0].PublicKey, len(other.key.Entity.PrimaryKey.Fingerprint) == 20
			named := seal.KeyID{Fingerprint: sub.Fingerprint, ID: sub.KeyId}
			if h.Is(named) != (i == k) || old && h.Is(seal.KeyID{ID: sub.KeyId}) != (i == k) {
				t.Errorf("%d: named by the key of %d", i, k)
			}
			primary := other.key.Entity.PrimaryKey
			if h.Is(seal.KeyID{Fingerprint: primary.Fingerprint, ID: primary.KeyId}) {
				t.Errorf("%d: named by a key that signs", i)
			}
		}
		if h.Is(seal.KeyID{}) {
			t.Errorf("%d: named by nothing", i)
		}
	}
	victim, mallory := all[1].key.Entity, all[0].key.Entity
	hung := *victim
	hung.Subkeys = append(hung.Subkeys[:1:1], mallory.Subkeys[0])
	h, err := seal.ReadHolder(vaulttest.Key{Entity: &hung}.Certificate(t))
	stolen := mallory.Subkeys[0].PublicKey
	if err != nil || h.Is(seal.KeyID{Fingerprint: stolen.Fingerprint, ID: stolen.KeyId}) || !h.CanBeNamed() {
		t.Errorf("a key that was hung on a certificate: %+v, %v", h, err)
	}
}

func TestHolderExpires(t *testing.T) {
	made := time.Now().AddDate(0, -2, 0)
	kind := vaulttest.X25519
	kind.Time, kind.KeyLifetimeSecs = func() time.Time { return made }, 30*24*3600
	h, err := seal.ReadHolder(vaulttest.NewKey(t, kind).Certificate(t))
	if err != nil || !h.CanBeNamed() {
		t.Fatalf("%+v, %v", h, err)
	}
	for days, want := range map[int]bool{-1: false, 1: false, 29: false, 31: true, 400: true} {
		if got := h.ExpiredBy(made.AddDate(0, 0, days)); got != want {
			t.Errorf("after %d days: %v", days, got)
		}
	}
}

func TestHoldersOfNothing(t *testing.T) {
	one := members(t, vaulttest.V4)[0].raw
	for name, raw := range map[string][]byte{
		"empty": nil, "text": []byte("bonjour"), "cut": one[:40], "two": append(bytes.Clone(one), one...),
		"huge": append(bytes.Clone(one), make([]byte, seal.MaxCertificate)...), "armor": []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n" + strings.Repeat("A", 99)),
	} {
		if h, err := seal.ReadHolder(raw); err == nil || h.CanBeNamed() {
			t.Errorf("%s: %+v", name, h)
		}
	}
}
