package seal_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

func rosterOf(t *testing.T, all ...member) (roster seal.Roster) {
	t.Helper()
	for _, m := range all {
		c, err := seal.ParseCertificate(m.raw, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		roster = append(roster, c)
	}
	return roster
}

// opened takes the session key out of an envelope, as a desk does.
func opened(t *testing.T, envelope []byte, by member) (key []byte, v2 bool) {
	t.Helper()
	for r := packet.NewReader(bytes.NewReader(envelope)); ; {
		p, err := r.Next()
		if err != nil {
			t.Fatalf("the envelope does not open: %v", err)
		}
		e := p.(*packet.EncryptedKey)
		if sub := by.key.Entity.Subkeys[0]; e.KeyId == sub.PublicKey.KeyId || bytes.Equal(e.KeyFingerprint, sub.PublicKey.Fingerprint) {
			if err := e.Decrypt(sub.PrivateKey, nil); err != nil {
				t.Fatal(err)
			}
			return e.Key, e.Version == 6
		}
	}
}

// Whatever the old roster made of the payload, and whoever is on the new one:
// all of these open it, and nobody else.
func TestReseal(t *testing.T) {
	all := members(t, vaulttest.PostQuantum, vaulttest.X25519, vaulttest.V4)
	for n, before := range [][]member{{all[0]}, {all[0], all[1]}, {all[0], all[2]}, {all[2]}} {
		envelope, payload := sealed(t, before...)
		key, v2 := opened(t, envelope, before[0])
		for _, after := range [][]member{{all[0]}, {all[1]}, {all[2]}, all} {
			fresh, err := seal.Reseal(rosterOf(t, after...), key, v2, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			recipients, err := seal.Recipients(fresh)
			if err != nil || !seal.NamesExactly(recipients, holders(t, after...), time.Now()) || !seal.IsMessage(append(bytes.Clone(fresh), payload...)) {
				t.Errorf("roster %d: %d recipients, %v", n, len(recipients), err)
			}
			for i, m := range all {
				plain, err := m.key.Open(fresh, bytes.NewReader(payload))
				isOn := len(after) == 3 || bytes.Equal(after[0].raw, m.raw)
				if isOn != (err == nil) || isOn && string(plain) != "bonjour" {
					t.Errorf("roster %d, member %d of %d: %q, %v", n, i, len(after), plain, err)
				}
			}
		}
	}
}

func TestResealRefuses(t *testing.T) {
	all := members(t, vaulttest.X25519)
	roster, key := rosterOf(t, all...), make([]byte, 32)
	if _, err := seal.Reseal(nil, key, true, time.Now()); !errors.Is(err, seal.ErrNoRecipients) {
		t.Errorf("to nobody: %v", err)
	}
	for _, size := range []int{0, 16, 31, 33} {
		if _, err := seal.Reseal(roster, make([]byte, size), true, time.Now()); err == nil {
			t.Errorf("a session key of %d bytes was taken", size)
		}
	}
	if _, err := seal.Reseal(roster, key, true, time.Now().AddDate(-1, 0, 0)); err == nil {
		t.Error("sealed to a certificate that is not valid yet")
	}
}
