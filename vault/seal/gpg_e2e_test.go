//go:build e2e

package seal_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sourdine/vault/seal"
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

func (g gnupg) run(args ...string) []byte {
	g.t.Helper()
	return g.runWith("", args...)
}

func (g gnupg) runWith(input string, args ...string) []byte {
	g.t.Helper()
	cmd := exec.Command("gpg", append([]string{"--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	cmd.Env = g.env()
	cmd.Stdin = strings.NewReader(input)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		g.t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, errOut.String())
	}
	return out.Bytes()
}

// generate makes a key with an encryption subkey, or without one when subkey is
// empty.
func (g gnupg) generate(name, primary, subkey, expire string, options ...string) {
	g.t.Helper()
	g.run(append(options, "--quick-generate-key", name, primary, "cert,sign", expire)...)
	if subkey != "" {
		g.run(append(options, "--quick-add-key", g.fingerprint(name), subkey, "encr", expire)...)
	}
}

func (g gnupg) fingerprint(name string) string {
	g.t.Helper()
	for line := range strings.Lines(string(g.run("--with-colons", "--list-keys", name))) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			return fields[9]
		}
	}
	g.t.Fatalf("gpg has no key %s", name)
	return ""
}

func TestCertificatesOfGnuPG(t *testing.T) {
	g := newGnuPG(t)
	for name, algorithms := range map[string][2]string{
		"curve25519": {"ed25519", "cv25519"}, "rsa3072": {"rsa3072", "rsa3072"}, "nistp256": {"nistp256", "nistp256"},
	} {
		g.generate(name, algorithms[0], algorithms[1], "2y")
		for form, data := range map[string][]byte{
			"binary": g.run("--export", name), "armored": g.run("--armor", "--export", name),
			"minimal": g.run("--export-options", "export-minimal", "--export", name),
		} {
			c, err := seal.ParseCertificate(data, time.Now())
			if err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
				continue
			}
			if c.Fingerprint() != g.fingerprint(name) || c.Version() != 4 {
				t.Errorf("%s, %s: version %d, fingerprint %s", name, form, c.Version(), c.Fingerprint())
			}
			if c.ValidAt(time.Now().AddDate(3, 0, 0)) {
				t.Errorf("%s, %s: valid after its end", name, form)
			}
		}
		for _, secret := range [][]string{{"--export-secret-keys"}, {"--export-secret-subkeys"}, {"--armor", "--export-secret-keys"}} {
			if _, err := seal.ParseCertificate(g.run(append(secret, name)...), time.Now()); !errors.Is(err, seal.ErrPrivateKey) {
				t.Errorf("%s, %s: %v", name, secret, err)
			}
		}
	}
	refused(t, "two keys", g.run("--export", "curve25519", "rsa3072"), several)
}

func TestCertificatesOfGnuPGThatProtectNothing(t *testing.T) {
	g := newGnuPG(t)
	g.generate("weak", "rsa2048", "rsa2048", "0")
	refused(t, "RSA-2048", g.run("--export", "weak"), tooWeak)
	g.generate("weaksub", "ed25519", "rsa2048", "0")
	refused(t, "RSA-2048 under Ed25519", g.run("--export", "weaksub"), tooWeak)
	g.generate("signs", "ed25519", "", "0")
	refused(t, "sign-only", g.run("--export", "signs"), noKey)
	g.generate("expired", "ed25519", "cv25519", "1d", "--faked-system-time", "20240101T000000")
	refused(t, "expired", g.run("--export", "expired"), expired)
	g.generate("revoked", "ed25519", "cv25519", "0")
	revocation, err := os.ReadFile(g.home + "/openpgp-revocs.d/" + g.fingerprint("revoked") + ".rev")
	if err != nil {
		t.Fatal(err)
	}
	// GnuPG puts a colon before the first line, against accidents.
	g.runWith(strings.Replace(string(revocation), ":-----BEGIN", "-----BEGIN", 1), "--import")
	refused(t, "revoked", g.run("--export", "revoked"), revoked)
	g.runWith("%no-protection\nKey-Type: DSA\nKey-Length: 2048\nSubkey-Type: ELG-E\nSubkey-Length: 2048\nName-Real: elgamal\nExpire-Date: 0\n%commit\n", "--generate-key")
	refused(t, "DSA and ElGamal", g.run("--export", "elgamal"), tooWeak)
}
