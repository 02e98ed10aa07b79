//go:build e2e

package backup_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sourdine/vault/backup"
	"sourdine/vault/seal"
)

// run runs another program on a keyring of its own; the agent's socket wants a
// short path.
func run(t *testing.T, home string, program string, args ...string) ([]byte, error) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is not installed", program)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "GNUPGHOME="+home, "LC_ALL=C")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s %s: %s", program, strings.Join(args, " "), errOut.String())
	}
	return out, err
}

func must(t *testing.T, out []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The admin needs no program of ours to open a backup: gpg and sq do, and tar
// unpacks it. Another key, or a message that was altered or cut off, is an error
// of theirs, too.
func TestOpenedByOthers(t *testing.T) {
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = run(t, home, "gpgconf", "--kill", "all")
		os.RemoveAll(home)
	})
	gpg := func(args ...string) ([]byte, error) {
		return run(t, home, "gpg", append([]string{"--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	}
	for _, algorithms := range [][2]string{{"ed25519", "cv25519"}, {"rsa3072", "rsa3072"}} {
		out, err := gpg("--quick-generate-key", "admin-"+algorithms[0], algorithms[0], "cert,sign", "2y")
		must(t, out, err)
		listed, err := gpg("--with-colons", "--list-keys", "admin-"+algorithms[0])
		_, fingerprint, _ := strings.Cut(string(must(t, listed, err)), "\nfpr:::::::::")
		fingerprint, _, _ = strings.Cut(fingerprint, ":")
		out, err = gpg("--quick-add-key", fingerprint, algorithms[1], "encr", "2y")
		must(t, out, err)
		exported, err := gpg("--armor", "--export", fingerprint)
		to, err := seal.ParseCertificate(must(t, exported, err), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		c, files := contents(3<<20 + 5)
		var sealed bytes.Buffer
		if err := backup.Write(&sealed, to, time.Now(), c); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		put := func(name string, content []byte) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		file := put("backup.pgp", sealed.Bytes())
		secret, err := gpg("--export-secret-keys", fingerprint)
		key := put("secret.pgp", must(t, secret, err))
		byGPG, err := gpg("--decrypt", file)
		must(t, byGPG, err)
		bySq, err := run(t, home, "sq", "decrypt", "--recipient-key", key, file)
		if !bytes.Equal(must(t, bySq, err), byGPG) {
			t.Errorf("%v: gpg and sq opened different things", algorithms)
		}
		extracted := folder(t)
		if _, err := backup.Extract(ctx, bytes.NewReader(byGPG), extracted); err != nil || !same(tree(t, extracted), files) {
			t.Errorf("%v: %v", algorithms, err)
		}
		unpacked := t.TempDir()
		out, err = run(t, home, "tar", "-C", unpacked, "-xf", put("backup.tar", byGPG))
		must(t, out, err)
		for name, want := range files {
			if tree(t, unpacked)[name] != string(want) {
				t.Errorf("%v: tar unpacked another %s", algorithms, name)
			}
		}
		for name, message := range map[string][]byte{
			"altered": altered(sealed.Bytes()), "cut off": sealed.Bytes()[:sealed.Len()-1], "half": sealed.Bytes()[:sealed.Len()/2],
		} {
			if _, err := gpg("--decrypt", put("broken.pgp", message)); err == nil {
				t.Errorf("%v, %s: gpg ends without an error", algorithms, name)
			}
		}
		out, err = gpg("--yes", "--delete-secret-keys", fingerprint)
		must(t, out, err)
		if opened, err := gpg("--decrypt", file); err == nil || len(opened) > 0 {
			t.Errorf("%v: without the key gpg gives %d bytes", algorithms, len(opened))
		}
	}
}

func altered(message []byte) []byte {
	message = bytes.Clone(message)
	message[len(message)/2] ^= 1
	return message
}
