package unseal_test

import (
	"bytes"
	"io"
	"math/bits"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/journalist-ui/unseal/unsealtest"
	"sourdine/vault/vaulttest"
)

// The last tag can be followed by nothing but the length of an empty last part.
// Without it the packet is cut off, though every tag holds.
func TestCutInTheFraming(t *testing.T) {
	for name, kind := range kinds {
		k := vaulttest.NewKey(t, kind)
		key, s := newKey(t, k), newSealer(t, k)
		plain := random(70_000)
		framed := []byte{0xd2}
		for rest := unsealtest.Body(t, sealed(t, s, plain)); len(rest) > 0; {
			power := bits.Len(uint(len(rest))) - 1
			framed = append(framed, byte(224+power))
			framed = append(framed, rest[:1<<power]...)
			rest = rest[1<<power:]
		}
		whole := append(bytes.Clone(framed), 0)
		if got, err := open(key, s.Envelope(), whole); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%s: framed anew: %d bytes, %v", name, len(got), err)
		}
		mustFail(t, name+" without its last length", key, s.Envelope(), framed)
	}
}

// The session key of one SEIPD version must not open the other: RFC 9580,
// section 13.7, describes what a downgrade would give an attacker.
func TestVersionsDoNotMix(t *testing.T) {
	k := vaulttest.NewKey(t, vaulttest.X25519)
	config := &packet.Config{DefaultCipher: packet.CipherAES256, AEADConfig: &packet.AEADConfig{DefaultMode: packet.AEADModeGCM}}
	enc, ok := k.Entity.EncryptionKey(time.Now(), config)
	if !ok {
		t.Fatal("no encryption key")
	}
	session := random(32)
	suite := packet.CipherSuite{Cipher: packet.CipherAES256, Mode: packet.AEADModeGCM}
	var envelopes, payloads [2]bytes.Buffer // for SEIPDv1, v2
	for i, v2 := range []bool{false, true} {
		if err := packet.SerializeEncryptedKeyAEAD(&envelopes[i], enc.PublicKey, suite.Cipher, v2, session, config); err != nil {
			t.Fatal(err)
		}
		w, err := packet.SerializeSymmetricallyEncrypted(&payloads[i], suite.Cipher, v2, suite, session, config)
		if err == nil {
			err = literal(struct{ io.WriteCloser }{nopCloser{w}}, "x")
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	key := newKey(t, k)
	for e := range envelopes {
		for p := range payloads {
			if e != p {
				mustFail(t, "mixed", key, envelopes[e].Bytes(), payloads[p].Bytes())
			} else if got, err := open(key, envelopes[e].Bytes(), payloads[p].Bytes()); err != nil || string(got) != "x" {
				t.Errorf("matching: %q, %v", got, err)
			}
		}
	}
}
