//go:build e2e

package interop

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
)

// A return parcel that is signed by GnuPG and packed by the program that
// vault/parcel/FORMAT.md prints is one that a server takes, and the commands
// beside it check it.
func TestDocumentedReturn(t *testing.T) {
	all := recipes(t, parcelFormat, "9", 2)
	g := newGnuPG(t, "ed25519", "cv25519")
	k := newKitchen(t, g.env...)
	_, vaultKey, err := parcel.NewVaultKey()
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := regexp.MustCompile(`(?m)^fpr:+([0-9A-F]{40}):`).FindSubmatch(g.run(t, "--with-colons", "--list-keys"))[1]
	replies, envelope := []string{"a sealed reply", strings.Repeat("another", 999)}, "an envelope"
	o := &order.Return{VaultKey: vaultKey, Reviewer: string(fingerprint), Sequence: 1, Acknowledged: order.IDs{vault.ID{1}.String()}}
	names := []string{"return.json", "return.json.asc", "deletions.json", "deletions.json.asc"}
	d := &order.Deletions{VaultKey: vaultKey, Reviewer: o.Reviewer, Sequence: 1, List: []order.Deletion{{ID: vault.ID{3}.String(), Channel: "Nice"}}}
	deletions, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	o.Deletions = digest(string(deletions))
	for n, reply := range replies {
		o.Replies = append(o.Replies, order.Reply{N: n + 1, Mailbox: strings.Repeat("A", 64), Size: int64(len(reply)), SHA256: digest(reply)})
		names = append(names, fmt.Sprintf("replies/%d.pgp", n+1))
		k.put(t, names[len(names)-1], []byte(reply))
	}
	o.Envelopes = []order.Envelope{{ID: vault.ID{2}.String(), Epoch: 2, Size: int64(len(envelope)), SHA256: digest(envelope)}}
	names = append(names, "envelopes/"+vault.ID{2}.String()+".pgp")
	k.put(t, names[len(names)-1], []byte(envelope))
	raw, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	k.put(t, "return.json", raw)
	k.put(t, "deletions.json", deletions)
	sign := "gpg --batch --pinentry-mode loopback --passphrase '' --armor --detach-sign --no-comments --no-emit-version --digest-algo SHA512 "
	if err := k.sh(sign + "return.json\n" + sign + "deletions.json"); err != nil {
		t.Fatal(err)
	}
	program := fmt.Sprintf("names = [\"%s\"]\n%s", strings.Join(names, `", "`), all[1].text)
	if err := k.run("python3", "-c", program); err != nil {
		t.Fatal(err)
	}
	certificate := g.run(t, "--export", "reviewer")
	checkReturn(t, k.get(t, "return.tar"), vaultKey, certificate, append(replies, envelope))
	if err := k.sh(all[0].text); err != nil {
		t.Error(err)
	}
	k.altered(t, "return.tar", "another", "ANOTHER", all[0].text)
	k.altered(t, "return.tar", `"sequence":1,"seen"`, `"sequence":2,"seen"`, all[0].text)
	k.altered(t, "return.tar", `"sequence":1,"deletions"`, `"sequence":2,"deletions"`, all[0].text)
	checkProofRecipe(t, k, append(append(deletions, '\n'), k.get(t, "deletions.json.asc")...))
}

// checkProofRecipe takes the proof of a deletion apart as vault/order/FORMAT.md
// says, and verifies it.
func checkProofRecipe(t *testing.T, k kitchen, proof []byte) {
	t.Helper()
	k.put(t, "proof.txt", proof)
	recipe := recipes(t, orderFormat, "2", 1)[0].text
	if err := k.sh(recipe); err != nil {
		t.Error(err)
	}
	k.altered(t, "proof.txt", "Nice", "Lyon", recipe)
}

func digest(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// checkReturn reads a return parcel as a server does.
func checkReturn(t *testing.T, packed []byte, vaultKey string, certificate []byte, want []string) {
	t.Helper()
	lookup := func(string) ([]byte, error) { return certificate, nil }
	r, err := parcel.ReadReturn(bytes.NewReader(packed), vaultKey, lookup, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(raw))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the parcel holds %d files: %.200q", len(got), got)
	}
}
