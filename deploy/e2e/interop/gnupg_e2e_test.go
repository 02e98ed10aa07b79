//go:build e2e

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// A gnupg is a reviewer's keyring with one v4 key of gpg's own making.
type gnupg struct{ env []string }

// newGnuPG uses a short path: the agent's socket lies in it.
func newGnuPG(t *testing.T, primary, subkey string) gnupg {
	t.Helper()
	needed(t, "gpg", "gnupg")
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	g := gnupg{[]string{"GNUPGHOME=" + home, "LC_ALL=C"}}
	t.Cleanup(func() {
		kill := exec.Command("gpgconf", "--kill", "all")
		kill.Env = append(os.Environ(), g.env...)
		_ = kill.Run()
		os.RemoveAll(home)
	})
	g.run(t, "--quick-generate-key", "reviewer", primary, "cert,sign", "1y")
	fingerprint := regexp.MustCompile(`(?m)^fpr:+([0-9A-F]{40}):`).FindSubmatch(g.run(t, "--with-colons", "--list-keys"))
	if fingerprint == nil {
		t.Fatal("gpg lists no key")
	}
	g.run(t, "--quick-add-key", string(fingerprint[1]), subkey, "encr", "1y")
	return g
}

func (g gnupg) run(t *testing.T, args ...string) []byte {
	t.Helper()
	return run(t, "", g.env, "gpg", append([]string{"--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
}

func TestGnuPG(t *testing.T) {
	for primary, subkey := range map[string]string{"ed25519": "cv25519", "rsa3072": "rsa3072"} {
		t.Run(subkey, func(t *testing.T) {
			g := newGnuPG(t, primary, subkey)
			s := serve(t, g.run(t, "--armor", "--export", "reviewer"))
			if got := losses(t, s); !slices.Equal(got, []string{"padding", "post-quantum", "speed"}) {
				t.Errorf("the roster loses %v", got)
			}
			files := submit(t, s)
			dir, id := unpacked(t, s)
			check(t, files, func(item int) []byte { return g.run(t, "--decrypt", joined(t, dir, id, item)) })
		})
	}
}

// newSequoia is a reviewer's v4 key of sq's own making.
func newSequoia(t *testing.T) (keyFile string, certificate []byte) {
	t.Helper()
	sq := needed(t, "sq", "sq")
	keyFile = filepath.Join(t.TempDir(), "key.pgp")
	run(t, "", nil, sq, "key", "generate", "--userid", "reviewer", "--export", keyFile)
	return keyFile, run(t, "", nil, sq, "key", "extract-cert", keyFile)
}

func TestSequoia(t *testing.T) {
	keyFile, certificate := newSequoia(t)
	s := serve(t, certificate)
	files := submit(t, s)
	dir, id := unpacked(t, s)
	check(t, files, func(item int) []byte {
		return run(t, "", nil, "sq", "decrypt", "--recipient-key", keyFile, joined(t, dir, id, item))
	})
}
