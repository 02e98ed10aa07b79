//go:build e2e

package order_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/vault/order"
	"sourdine/vault/vaulttest"
)

// A gnupg is a keyring of its own.
type gnupg struct {
	t    *testing.T
	home string
}

// newGnuPG makes a keyring under a short path: the agent's socket lies in it.
func newGnuPG(t *testing.T) gnupg {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Fatal("gpg is not installed; try: apt-get install gnupg")
	}
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	g := gnupg{t, home}
	t.Cleanup(func() {
		kill := exec.Command("gpgconf", "--kill", "all")
		kill.Env = g.env()
		_ = kill.Run()
		os.RemoveAll(home)
	})
	return g
}

func (g gnupg) env() []string { return append(os.Environ(), "GNUPGHOME="+g.home, "LC_ALL=C") }

func (g gnupg) try(input []byte, args ...string) ([]byte, string, error) {
	cmd := exec.Command("gpg", append([]string{"--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	cmd.Env, cmd.Stdin = g.env(), bytes.NewReader(input)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	return out.Bytes(), errOut.String(), err
}

func (g gnupg) run(input []byte, args ...string) []byte {
	g.t.Helper()
	out, errOut, err := g.try(input, args...)
	if err != nil {
		g.t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, errOut)
	}
	return out
}

// newReviewer makes a reviewer's key, with a signing subkey if one is named.
func (g gnupg) newReviewer(name, primary, subkey string, options ...string) signedOrder {
	g.t.Helper()
	g.run(nil, append(options, "--quick-generate-key", name, primary, "cert,sign", "1y")...)
	ring, err := openpgp.ReadKeyRing(bytes.NewReader(g.run(nil, "--export", name)))
	if err != nil {
		g.t.Fatal(err)
	}
	fingerprint := fingerprintOf(ring[0])
	if subkey != "" {
		g.run(nil, append(options, "--quick-add-key", fingerprint, subkey, "sign", "1y")...)
	}
	return signedOrder{raw: encoded(g.t, small(g.t, fingerprint)), certificate: g.run(nil, "--export", name)}
}

var gnupgKeys = map[string][2]string{
	"ed25519": {"ed25519", ""}, "rsa3072": {"rsa3072", ""}, "nistp256": {"nistp256", ""}, "subkey": {"ed25519", "ed25519"}, "rsasubkey": {"ed25519", "rsa3072"},
}

// What a reviewer signs with GnuPG counts; what GnuPG signs otherwise is refused
// with the reason.
func TestSignedByGnuPG(t *testing.T) {
	g := newGnuPG(t)
	other := g.newReviewer("other", "ed25519", "")
	for name, algorithms := range gnupgKeys {
		s := g.newReviewer(name, algorithms[0], algorithms[1])
		sign := func(args ...string) signedOrder {
			return s.with(g.run(s.raw, append([]string{"--armor", "--local-user", name, "--detach-sign"}, args...)...))
		}
		for _, hash := range []string{"SHA256", "SHA384", "SHA512"} {
			if err := sign("--digest-algo", hash).verify(time.Now()); err != nil {
				t.Errorf("%s over %s: %v", name, hash, err)
			}
		}
		sign("--textmode").refused(t, name+" over text", textMode)
		sign("--local-user", "other").refused(t, name+" with another", several)
		sign("--comment", "EVIL").refused(t, name+" with a comment", notArmor)
		s.with(g.run(s.raw, "--armor", "--local-user", name, "--sign")).refused(t, name+" with the text inside", notArmor)
		s.with(g.run(s.raw, "--armor", "--local-user", name, "--clearsign")).refused(t, name+" in the clear", notArmor)
		s.with(g.run(s.raw, "--armor", "--local-user", "other", "--detach-sign")).refused(t, name+" by another", order.ErrOtherKey.Error())
		s.with(g.run(other.raw, "--armor", "--local-user", name, "--detach-sign")).refused(t, name+" over another order", order.ErrAltered.Error())
		if algorithms[0] == "rsa3072" {
			sign("--digest-algo", "SHA1", "--allow-weak-digest-algos").refused(t, name+" over SHA-1", weakHash)
			sign("--digest-algo", "SHA224").refused(t, name+" over SHA-224", weakHash)
		}
	}
}

func TestKeysOfGnuPGThatMayNotSign(t *testing.T) {
	g := newGnuPG(t)
	then := []string{"--faked-system-time", "20240101T000000"}
	s := g.newReviewer("expired", "ed25519", "", then...)
	s.with(g.run(s.raw, append(then, "--armor", "--local-user", "expired", "--detach-sign")...)).refused(t, "expired", order.ErrKeyExpired.Error())

	s = g.newReviewer("weak", "rsa2048", "")
	s.with(g.run(s.raw, "--armor", "--local-user", "weak", "--detach-sign")).refused(t, "RSA-2048", unfit)

	s = g.newReviewer("revoked", "ed25519", "")
	s.signature = g.run(s.raw, "--armor", "--local-user", "revoked", "--detach-sign")
	ring, err := openpgp.ReadKeyRing(bytes.NewReader(s.certificate))
	if err != nil {
		t.Fatal(err)
	}
	revocation, err := os.ReadFile(filepath.Join(g.home, "openpgp-revocs.d", fingerprintOf(ring[0])+".rev"))
	if err != nil {
		t.Fatal(err)
	}
	// GnuPG puts a colon before the first line, against accidents.
	g.run(bytes.Replace(revocation, []byte(":-----BEGIN"), []byte("-----BEGIN"), 1), "--import")
	s.certificate = g.run(nil, "--export", "revoked")
	s.refused(t, "revoked", order.ErrKeyRevoked.Error())
}

// What Sign makes with a v4 key, gpg and sq verify, and they find an altered
// order; the key is one of GnuPG's own, and one of ours.
func TestVerifiedByOthers(t *testing.T) {
	g := newGnuPG(t)
	for name, algorithms := range gnupgKeys {
		s := g.newReviewer(name, algorithms[0], algorithms[1])
		ring, err := openpgp.ReadKeyRing(bytes.NewReader(g.run(nil, "--export-secret-keys", name)))
		if err != nil {
			t.Fatal(err)
		}
		s.key = vaulttest.Key{Entity: ring[0]}
		if s.signature, err = order.Sign(s.raw, s.key.Entity, time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		g.verify(name, s)
	}
	s := signed(t, vaulttest.V4)
	g.run(s.certificate, "--import")
	g.verify("ours", s)
}

func (g gnupg) verify(name string, s signedOrder) {
	g.t.Helper()
	folder := g.t.TempDir()
	path := func(name string, content []byte) string {
		p := filepath.Join(folder, name)
		if err := os.WriteFile(p, content, 0o600); err != nil {
			g.t.Fatal(err)
		}
		return p
	}
	signature, certificate := path("return.json.asc", s.signature), path("certificate.pgp", s.certificate)
	good, bad := path("return.json", s.raw), path("altered.json", bytes.Replace(s.raw, []byte(`"sequence":7`), []byte(`"sequence":8`), 1))
	if _, text, err := g.try(nil, "--verify", signature, good); err != nil || !strings.Contains(text, "Good signature") {
		g.t.Errorf("%s: gpg says %v\n%s", name, err, text)
	}
	var exit *exec.ExitError
	if _, text, err := g.try(nil, "--verify", signature, bad); !errors.As(err, &exit) || !strings.Contains(text, "BAD signature") {
		g.t.Errorf("%s, altered: gpg says %v\n%s", name, err, text)
	}
	if _, err := exec.LookPath("sq"); err != nil {
		g.t.Log("sq is not installed")
		return
	}
	sq := func(file string) ([]byte, error) {
		return exec.Command("sq", "verify", "--signer-cert", certificate, "--detached", signature, file).CombinedOutput()
	}
	if text, err := sq(good); err != nil {
		g.t.Errorf("%s: sq says %v\n%s", name, err, text)
	}
	if text, err := sq(bad); err == nil {
		g.t.Errorf("%s, altered: sq says\n%s", name, text)
	}
}
