package order_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/mod/sumdb/note"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

var (
	kinds = map[string]packet.Config{"post-quantum": vaulttest.PostQuantum, "x25519": vaulttest.X25519, "v4": vaulttest.V4}
	// RSA keys take a tenth of a second and more to make.
	slowKinds = map[string]packet.Config{"rsa3072": {Algorithm: packet.PubKeyAlgoRSA, RSABits: 3072, DefaultCipher: packet.CipherAES256}}
)

func allKinds() map[string]packet.Config {
	all := maps.Clone(kinds)
	maps.Copy(all, slowKinds)
	return all
}

// A signingKey is a vault's key whose halves belong together.
type signingKey struct{ secret, public string }

// fixedVault is the same at every run, so that a fuzzer's findings stay valid.
func fixedVault(seed byte) signingKey {
	name := fmt.Sprintf("sourdine/vault/%08x", seed)
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	hash := strings.Split(public, "+")[1]
	seedText := base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...))
	return signingKey{"PRIVATE+KEY+" + name + "+" + hash + "+" + seedText, public}
}

func fingerprintOf(e *openpgp.Entity) string { return fmt.Sprintf("%X", e.PrimaryKey.Fingerprint) }

func checkpoint(t testing.TB, key signingKey, size int64) string {
	t.Helper()
	origin, err := translog.Origin(key.public)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := translog.Checkpoint{Origin: origin, Size: size, Root: sha256.Sum256([]byte("root"))}.Sign(key.secret)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// ids are n ids in order.
func ids(n int) order.IDs {
	list := make(order.IDs, n)
	for i := range n {
		var id vault.ID
		id[0], id[1], id[2] = byte(i>>16), byte(i>>8), byte(i)
		list[i] = id.String()
	}
	// The letters of base 32 stand before its digits, in ASCII it is the other way round.
	slices.Sort(list)
	return list
}

func digest(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// small is an order with something in every list.
func small(t testing.TB, reviewer string) *order.Return {
	t.Helper()
	v, list := fixedVault(1), ids(5)
	return &order.Return{
		Version: 1, VaultKey: v.public, Reviewer: reviewer, Sequence: 7,
		Seen: 12, Checkpoint: checkpoint(t, v, 12),
		Acknowledged: list[:3], Opened: list[1:2],
		Deletions: digest("deletions.json"),
		Replies: []order.Reply{
			{N: 1, Mailbox: strings.Repeat("A1", 32), Size: 5, SHA256: digest("hello")},
			{N: 2, Mailbox: strings.Repeat("A1", 32), Size: order.MaxReply, SHA256: digest("2")},
		},
		Envelopes: []order.Envelope{{ID: list[0], Epoch: 4, Size: 8, SHA256: digest("envelope")}},
	}
}

// smallDeletions are those of an order of the same server, reviewer and number.
func smallDeletions(reviewer string) *order.Deletions {
	return &order.Deletions{Version: 1, VaultKey: fixedVault(1).public, Reviewer: reviewer, Sequence: 7,
		List: []order.Deletion{{ID: ids(5)[3], Channel: `Saint-Étienne <№1> & "amis" \ co`}}}
}

func encoded(t testing.TB, r interface{ Encode() ([]byte, error) }) []byte {
	t.Helper()
	raw, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A signedOrder is a small order with its reviewer.
type signedOrder struct {
	key         vaulttest.Key
	raw         []byte
	signature   []byte
	certificate []byte
}

func signed(t testing.TB, kind packet.Config) signedOrder {
	t.Helper()
	s := signedOrder{key: vaulttest.NewKey(t, kind)}
	s.raw = encoded(t, small(t, fingerprintOf(s.key.Entity)))
	s.certificate = s.key.Certificate(t)
	var err error
	if s.signature, err = order.Sign(s.raw, s.key.Entity, time.Now()); err != nil {
		t.Fatal(err)
	}
	return s
}

// verify reads s back and compares.
func (s signedOrder) verify(now time.Time) error {
	r, err := order.Verify(s.raw, s.signature, s.certificate, now)
	if err != nil {
		return err
	}
	again, err := r.Encode()
	if err == nil && !bytes.Equal(again, s.raw) {
		err = fmt.Errorf("verified as something else")
	}
	return err
}

// signWith makes a signature of any kind, as a hostile or an old program would.
func signWith(t testing.TB, raw []byte, by *packet.PrivateKey, change func(*packet.Signature)) []byte {
	t.Helper()
	lifetime := uint32(0)
	sig := &packet.Signature{
		Version: by.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: by.PubKeyAlgo, Hash: crypto.SHA512,
		CreationTime: time.Now(), IssuerKeyId: &by.KeyId, IssuerFingerprint: by.Fingerprint,
		IssuerKeyVersion: uint8(by.Version), SigLifetimeSecs: &lifetime,
	}
	change(sig)
	h, err := sig.PrepareSign(nil)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(raw)
	if err := sig.Sign(h, by, nil); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := sig.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// armored is a block as every program writes one.
func armored(binary []byte) []byte {
	text := base64.StdEncoding.EncodeToString(binary)
	var b bytes.Buffer
	b.WriteString("-----BEGIN PGP SIGNATURE-----\n\n")
	for len(text) > 64 {
		b.WriteString(text[:64] + "\n")
		text = text[64:]
	}
	b.WriteString(text + "\n-----END PGP SIGNATURE-----\n")
	return b.Bytes()
}

func dearmored(t testing.TB, signature []byte) []byte {
	t.Helper()
	var text strings.Builder
	for line := range strings.Lines(string(signature)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-") && !(len(line) == 5 && line[0] == '=') {
			text.WriteString(line)
		}
	}
	binary, err := base64.StdEncoding.DecodeString(text.String())
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// marker stands in what hostile files try to bring into an error.
const marker = "\x1b[2JEVIL\u202e"

func checkText(t *testing.T, name string, err error) {
	t.Helper()
	text := err.Error()
	foreign := strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	if foreign || strings.Contains(text, "EVIL") || strings.Contains(text, "openpgp") || len(text) > 200 {
		t.Errorf("%s: the error's text is not ours: %q", name, text)
	}
}
