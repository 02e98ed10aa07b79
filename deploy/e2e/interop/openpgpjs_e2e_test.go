//go:build e2e

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

const openpgpjsVersion = "6.3.2"

// modules is the folder where npm keeps openpgp.js, installed when it is not
// there yet: then it needs npm's registry, else nothing.
func modules(t *testing.T) string {
	t.Helper()
	npm := needed(t, "npm", "npm")
	root := filepath.Dir(strings.TrimSpace(string(run(t, ".", nil, "go", "env", "GOMOD"))))
	dir := filepath.Join(root, "var", "npm")
	if installed(dir) {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, dir, nil, npm, "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", "openpgp@"+openpgpjsVersion)
	if !installed(dir) {
		t.Fatalf("npm did not install openpgp@%s", openpgpjsVersion)
	}
	return dir
}

func installed(dir string) bool {
	var p struct{ Version string }
	raw, err := os.ReadFile(filepath.Join(dir, "node_modules", "openpgp", "package.json"))
	return err == nil && json.Unmarshal(raw, &p) == nil && p.Version == openpgpjsVersion
}

// armoredKey writes a reviewer's secret key as openpgp.js reads it.
func armoredKey(t *testing.T, k vaulttest.Key) string {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.EncodeWithChecksumOption(&b, openpgp.PrivateKeyType, nil, false) // RFC 9580: v6 keys have no checksum
	if err == nil {
		err = k.Entity.SerializePrivateWithoutSigning(w, nil)
	}
	if err == nil {
		err = w.Close()
	}
	path := filepath.Join(t.TempDir(), "key.asc")
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// openpgp.js opens what is sealed to a v6 X25519 key: SEIPDv2, GCM, padded; also
// when a desk's post-quantum key, which it does not know, is on the roster.
func TestOpenPGPJS(t *testing.T) {
	node, npm := needed(t, "node", "nodejs"), modules(t)
	script, err := filepath.Abs("testdata/open.mjs")
	if err != nil {
		t.Fatal(err)
	}
	key, postQuantum := vaulttest.NewKey(t, vaulttest.X25519), vaulttest.NewKey(t, vaulttest.PostQuantum)
	keyFile := armoredKey(t, key)
	for name, roster := range map[string][][]byte{
		"alone":                     {key.Certificate(t)},
		"beside a post-quantum key": {postQuantum.Certificate(t), key.Certificate(t)},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, roster...)
			if got := losses(t, s); len(got) != 1 || got[0] != string(seal.LossPostQuantum) {
				t.Errorf("the roster loses %v", got)
			}
			files := submit(t, s)
			dir, id := unpacked(t, s)
			checkPadded(t, dir, files)
			check(t, files, func(item int) []byte {
				out := filepath.Join(t.TempDir(), fmt.Sprint(item))
				run(t, dir, nil, node, script, npm, keyFile, joined(t, dir, id, item), out)
				plain, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				return plain
			})
		})
	}
}

// checkPadded: the payloads' lengths are those of size classes, not of files.
func checkPadded(t *testing.T, dir string, files []sent) {
	t.Helper()
	var index parcel.Index
	readJSON(t, filepath.Join(dir, "index.json"), &index)
	payloads := index.Submissions[0].Payloads
	if small := payloads[2].Size; payloads[3].Size != small {
		t.Errorf("an empty file takes %d bytes, one of eight %d", small, payloads[3].Size)
	}
	class := seal.Class(int64(len(files[0].content)) + 20)
	if over := payloads[1].Size - class; over < 0 || over > class/100 {
		t.Errorf("a file of %d bytes takes %d, its class is %d", len(files[0].content), payloads[1].Size, class)
	}
}
