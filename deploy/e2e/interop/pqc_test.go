package interop

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/journalist-ui/unseal"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// The test vectors of draft-ietf-openpgp-pqc, as go-crypto ships them.
// Nothing else here speaks that draft, so they stand in for the other
// implementation: their keys and messages were not made by our code.
var vectors = map[string]struct {
	key, certificate string
	fingerprint      string
	messages         []string
}{
	"v6 ML-DSA-65 and ML-KEM-768": {
		"v6-mldsa-65-sample-sk.asc", "v6-mldsa-65-sample-pk.asc",
		"A3E2E14B6A493FF930FB27321F125E9A6880338BE9FB7DA3AE065EA65793242F",
		[]string{"v6-mldsa-65-sample-message.asc"},
	},
	"v4 EdDSA and ML-KEM-768": {
		"v4-eddsa-sample-sk.asc", "v4-eddsa-sample-pk.asc",
		"342E5DB2DE345215CB2C944F7102FFED3B9CF12D",
		[]string{"v4-eddsa-sample-message-v1.asc", "v4-eddsa-sample-message-v2.asc"},
	},
}

const sealedText = "Ci-joint le marché."

func vectorDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/ProtonMail/go-crypto").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "openpgp", "test_data", "pqc")
}

func vector(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(vectorDir(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func dearmored(t *testing.T, raw []byte) []byte {
	t.Helper()
	block, err := armor.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(block.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The draft's certificates are taken as reviewers', what is sealed to them opens
// with the draft's keys, and the envelopes of the draft's messages open here.
func TestPostQuantumVectors(t *testing.T) {
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			c, err := seal.ParseCertificate(vector(t, v.certificate), time.Now())
			if err != nil || c.Fingerprint() != v.fingerprint {
				t.Fatalf("%v, %v", c, err)
			}
			if _, err := seal.ParseCertificate(vector(t, v.key), time.Now()); !errors.Is(err, seal.ErrPrivateKey) {
				t.Errorf("the secret key: %v", err)
			}
			ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(vector(t, v.key)))
			if err != nil || len(ring) != 1 {
				t.Fatal(err)
			}
			key, err := unseal.NewKey(ring[0])
			if err != nil {
				t.Fatal(err)
			}
			s, err := seal.New(seal.Roster{c}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			sealed := bytes.NewBuffer(s.Envelope())
			w, err := s.Item(sealed)
			if err == nil {
				_, err = io.WriteString(w, sealedText)
			}
			if err == nil {
				err = w.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := key.OpenMessage(sealed.Bytes(), 1<<20); err != nil || string(plain) != sealedText {
				t.Errorf("sealed to the draft's certificate: %q, %v", plain, err)
			}
			for _, m := range v.messages {
				checkVectorMessage(t, key, vaulttest.Key{Entity: ring[0]}, dearmored(t, vector(t, m)))
			}
		})
	}
}

// checkVectorMessage: our key opens the envelope that somebody else made. The
// payload is a signed message, which package seal never makes and package
// unseal therefore refuses; a general program reads it.
func checkVectorMessage(t *testing.T, key *unseal.Key, general vaulttest.Key, m []byte) {
	t.Helper()
	r := bytes.NewReader(m)
	if _, err := packet.Read(r); err != nil {
		t.Fatal(err)
	}
	envelope := m[:len(m)-r.Len()]
	if err := key.TryEnvelope(envelope); err != nil {
		t.Errorf("the envelope: %v", err)
	}
	if _, err := key.OpenMessage(m, 1<<20); !errors.Is(err, unseal.ErrDamaged) {
		t.Errorf("a signed message: %v", err)
	}
	if plain, err := general.Open(nil, bytes.NewReader(m)); err != nil || string(plain) != "Testing\n" {
		t.Errorf("a general program: %q, %v", plain, err)
	}
}
