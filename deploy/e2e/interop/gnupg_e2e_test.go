//go:build e2e

package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sourdine/deploy/e2e/program"
	"sourdine/vault/vaulttest"
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

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// The commands in vault/parcel/FORMAT.md do what it says, on a roster where a
// GnuPG key, a Sequoia key and a desk's stand side by side; and they do not
// when the parcel was altered.
func TestDocumentedCommands(t *testing.T) {
	needed(t, "openssl", "openssl")
	needed(t, "jq", "jq")
	g := newGnuPG(t, "ed25519", "cv25519")
	keyFile, certificate := newSequoia(t)
	desk := vaulttest.NewKey(t, vaulttest.PostQuantum)
	s := serve(t, g.run(t, "--export", "reviewer"), certificate, desk.Certificate(t))
	files := submit(t, s)
	text, err := os.ReadFile("../../../vault/parcel/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, b := range shellBlock.FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(b[1]))
	}
	if len(blocks) != 3 {
		t.Fatalf("FORMAT.md has %d blocks of commands", len(blocks))
	}
	dir := t.TempDir()
	run(t, dir, nil, "cp", s.Export(t), "parcel.tar")
	run(t, dir, nil, "cp", keyFile, "key.pgp")
	shell := func(commands string, env ...string) error {
		cmd := exec.Command("sh", "-e", "-c", commands)
		cmd.Dir, cmd.Env = dir, append(append(os.Environ(), env...), g.env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s\n%s", err, commands, out)
		}
		return nil
	}
	key := "VAULT_KEY=" + s.Status(t).VaultKey
	for _, block := range blocks[:2] {
		if err := shell(block, key); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "submissions"))
	if err != nil || len(entries) != 1 {
		t.Fatal(err)
	}
	for line := range strings.Lines(blocks[2]) {
		if err := shell(line, "ID="+entries[0].Name()); err != nil {
			t.Error(err)
			continue
		}
		if got, err := os.ReadFile(filepath.Join(dir, "1")); err != nil || !bytes.Equal(got, files[0].content) {
			t.Errorf("%s: %d bytes, %v", line, len(got), err)
		}
	}
	if got := program.OpenParcel(t, s.Export(t), desk); !bytes.Equal(got[0].Items[1], files[0].content) {
		t.Error("the desk's key beside them opens something else")
	}
	otherKey := strings.Replace(key, "+A", "+B", 1)
	if shell(blocks[0], otherKey) == nil {
		t.Error("the commands accept another vault's key")
	}
	alter(t, filepath.Join(dir, "submissions", entries[0].Name(), "1.pgp"))
	if shell(blocks[1], key) == nil {
		t.Error("the commands do not notice an altered payload")
	}
	alter(t, filepath.Join(dir, "parcel.tar"))
	if shell(blocks[0], key) == nil {
		t.Error("the commands do not notice an altered note")
	}
}

// alter changes the first byte of a file that is not of a tar's header.
func alter(t *testing.T, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := len(raw) / 2
	if bytes.HasPrefix(raw, []byte("parcel.note")) {
		at = bytes.Index(raw, []byte("\n\n")) - 3 // in the digest that is signed
	}
	raw[at] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
