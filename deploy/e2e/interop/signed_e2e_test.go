//go:build e2e

package interop

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// signedFiles are those of an order that others sign and verify.
var signedFiles = []string{"return.json", "deletions.json"}

// anOrder is one with a deletion, for a new vault.
func anOrder(t *testing.T, certificate []byte) (o order.Return, d order.Deletions) {
	t.Helper()
	parsed, err := seal.ParseCertificate(certificate, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, vaultKey, err := parcel.NewVaultKey()
	if err != nil {
		t.Fatal(err)
	}
	reviewer := parsed.Fingerprint()
	d = order.Deletions{VaultKey: vaultKey, Reviewer: reviewer, Sequence: 1, List: []order.Deletion{{ID: vault.ID{3}.String(), Channel: "Nice"}}}
	return order.Return{VaultKey: vaultKey, Reviewer: reviewer, Sequence: 1, Acknowledged: order.IDs{vault.ID{1}.String()}}, d
}

// signedBy lets another program sign an order, packs what it made as
// vault/parcel/FORMAT.md says, and gives it to a server.
func signedBy(t *testing.T, k kitchen, certificate []byte, sign func(file string)) {
	t.Helper()
	o, d := anOrder(t, certificate)
	deletions, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	o.Deletions = digest(string(deletions))
	raw, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	k.put(t, "return.json", raw)
	k.put(t, "deletions.json", deletions)
	var names []string
	for _, file := range signedFiles {
		sign(file)
		names = append(names, file, file+".asc")
	}
	pack := recipes(t, parcelFormat, "9", 2)[1].text
	if err := k.run("python3", "-c", fmt.Sprintf("names = [\"%s\"]\n%s", strings.Join(names, `", "`), pack)); err != nil {
		t.Fatal(err)
	}
	checkReturn(t, k.get(t, "return.tar"), o.VaultKey, certificate, nil)
}

// verifiedBy packs an order that our code signed, unpacks it with tar, and lets
// another program verify it; what was altered it must refuse.
func verifiedBy(t *testing.T, k kitchen, reviewer vaulttest.Key, verify func(file string) error) {
	t.Helper()
	o, d := anOrder(t, reviewer.Certificate(t))
	signed, err := o.Sign(d.List, reviewer.Entity, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := parcel.WriteReturn(t.Context(), &b, signed, nil); err != nil {
		t.Fatal(err)
	}
	k.put(t, "return.tar", b.Bytes())
	if err := k.sh("tar xf return.tar"); err != nil {
		t.Fatal(err)
	}
	for _, file := range signedFiles {
		if err := verify(file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		k.put(t, file, bytes.Replace(k.get(t, file), []byte(`"sequence":1`), []byte(`"sequence":2`), 1))
		if verify(file) == nil {
			t.Errorf("%s: the other program takes what was altered", file)
		}
	}
}

// Sequoia signs return parcels, and verifies those of a v4 key.
func TestReturnWithSequoia(t *testing.T) {
	k := newKitchen(t)
	keyFile, certificate := newSequoia(t)
	signedBy(t, k, certificate, func(file string) {
		run(t, k.dir, nil, "sq", "sign", "--signer-key", keyFile, "--detached", "--output", file+".asc", file)
	})
	ours := vaulttest.NewKey(t, vaulttest.V4)
	k.put(t, "reviewer.pgp", ours.Certificate(t))
	verifiedBy(t, k, ours, func(file string) error {
		return k.run("sq", "verify", "--signer-cert", "reviewer.pgp", "--detached", file+".asc", file)
	})
}

// So does openpgp.js with v6 keys: those of desks, but for their post-quantum half.
func TestReturnWithOpenPGPJS(t *testing.T) {
	node, npm := needed(t, "node", "nodejs"), modules(t)
	script := func(name string) string {
		path, err := filepath.Abs("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	k := newKitchen(t)
	key := vaulttest.NewKey(t, vaulttest.X25519)
	keyFile := armoredKey(t, key)
	signedBy(t, k, key.Certificate(t), func(file string) {
		run(t, k.dir, nil, node, script("sign.mjs"), npm, keyFile, file, file+".asc")
	})
	verifiedBy(t, k, key, func(file string) error {
		return k.run(node, script("verify.mjs"), npm, keyFile, file+".asc", file)
	})
}
