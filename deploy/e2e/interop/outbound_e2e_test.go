//go:build e2e

package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"sourdine/deploy/e2e/program"
	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// The recipes of vault/parcel/FORMAT.md, section 8, in their order.
const (
	unpackNote = iota
	checkIndex
	compareLog
	compareNamed
	openItem
	outboundRecipes
)

// The commands in vault/parcel/FORMAT.md do what it says, on a roster where a
// GnuPG key, a Sequoia key and a desk's stand side by side; and they do not
// when the parcel was altered.
func TestDocumentedCommands(t *testing.T) {
	g := newGnuPG(t, "ed25519", "cv25519")
	keyFile, certificate := newSequoia(t)
	desk := vaulttest.NewKey(t, vaulttest.PostQuantum)
	s := serve(t, g.run(t, "--export", "reviewer"), certificate, desk.Certificate(t))
	files := submit(t, s)
	key := s.Status(t).VaultKey
	k := newKitchen(t, append(g.env, "VAULT_KEY="+key)...)
	run(t, k.dir, nil, "cp", s.Export(t), "parcel.tar")
	run(t, k.dir, nil, "cp", keyFile, "key.pgp")
	all := recipes(t, parcelFormat, "8", outboundRecipes)
	for _, r := range all[:openItem] {
		if err := k.sh(r.text); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(k.path("submissions"))
	if err != nil || len(entries) != 1 {
		t.Fatal(err)
	}
	id := entries[0].Name()
	for line := range strings.Lines(all[openItem].text) {
		if err := k.sh("ID=" + id + "\n" + line); err != nil {
			t.Error(err)
			continue
		}
		if got := k.get(t, "1"); !bytes.Equal(got, files[0].content) {
			t.Errorf("%s: %d bytes", line, len(got))
		}
	}
	if got := program.OpenParcel(t, s.Export(t), desk); !bytes.Equal(got[0].Items[1], files[0].content) {
		t.Error("the desk's key beside them opens something else")
	}
	payload := k.get(t, "submissions/"+id+"/1.pgp")
	k.altered(t, "submissions/"+id+"/1.pgp", string(payload[:9]), "payloads.", all[checkIndex].text)
	checkNoteRecipe(t, k, key, all[unpackNote].text)
}

// checkNoteRecipe: other keys and other notes are refused.
func checkNoteRecipe(t *testing.T, k kitchen, key, commands string) {
	t.Helper()
	if err := k.sh(commands); err != nil {
		t.Error(err)
	}
	other := kitchen{k.dir, append(k.env, "VAULT_KEY="+strings.Replace(key, "+A", "+B", 1))}
	if other.sh(commands) == nil {
		t.Error("the commands accept another vault's key")
	}
	k.altered(t, "parcel.tar", "sourdine/parcel/v2", "sourdine/parcel/v3", commands)
	k.altered(t, "parcel.tar", `"version":2`, `"version":3`, commands)
	signature := "\n— " + key[:strings.IndexByte(key, '+')] + " "
	at := bytes.Index(k.get(t, "parcel.tar"), []byte(signature)) + len(signature)
	last := string(k.get(t, "parcel.tar")[at+80 : at+92]) // of the signature, in base 64
	k.altered(t, "parcel.tar", last, "AAAAAAAAAAAA", commands)
}

// What a parcel says of the log is checked with jq, OpenSSL and Python, on a log
// with rosters, a deletion by order, and one by policy.
func TestDocumentedLog(t *testing.T) {
	packed, key, order := parcelWithLog(t)
	k := newKitchen(t, "VAULT_KEY="+key)
	k.put(t, "parcel.tar", packed)
	all := recipes(t, parcelFormat, "8", outboundRecipes)
	for _, r := range all[:openItem] {
		if err := k.sh(r.text); err != nil {
			t.Error(err)
		}
	}
	log := recipes(t, translogFormat, "6", 3)
	k.put(t, "root.py", []byte(log[1].text))
	for _, r := range []recipe{log[0], log[2]} {
		if err := k.run("bash", "-e", "-c", r.text); err != nil {
			t.Error(err)
		}
	}
	k.altered(t, "index.json", `"channel":"Nice"`, `"channel":"Lyon"`, all[compareLog].text)
	k.altered(t, "index.json", `"leaf":`, `"leaf":1`, all[compareLog].text)
	k.altered(t, "index.json", `"epoch":2`, `"epoch":1`, all[compareLog].text)
	roster, err := os.ReadDir(k.path("rosters"))
	if err != nil || len(roster) != 3 {
		t.Fatalf("%d rosters, %v", len(roster), err)
	}
	k.altered(t, "rosters/"+roster[0].Name(), "Nice", "Lyon", all[compareNamed].text)
	k.altered(t, "orders/"+order+".txt", "deletions", "DELETIONS", all[compareNamed].text)
	k.altered(t, "orders/"+order+".txt", "\n", " ", all[compareNamed].text)
	if err := os.Remove(k.path("orders/" + order + ".txt")); err != nil {
		t.Fatal(err)
	}
	if k.sh(all[compareNamed].text) == nil {
		t.Error("the commands do not notice that an order is missing")
	}
}

// parcelWithLog makes a parcel of a vault where something of everything
// happened. It returns the name of the order in it, too.
func parcelWithLog(t *testing.T) (packed []byte, vaultKey, order string) {
	t.Helper()
	ctx, v := context.Background(), vaulttest.NewVault(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(v.AddChannel(ctx, "Nice"))
	var reviewer string
	for range 2 {
		k := vaulttest.NewKey(t, vaulttest.X25519)
		reviewer = fmt.Sprintf("%X", k.Entity.PrimaryKey.Fingerprint)
		_, err := v.AddMember(ctx, "Nice", vault.Member{Name: "Élise", Fingerprint: reviewer, Certificate: k.Certificate(t)})
		must(err)
	}
	var ids []vault.ID
	for n := range 12 {
		d := v.NewDraft()
		for item := range 1 + n%3 {
			w, err := d.Item(ctx, item)
			must(err)
			_, err = fmt.Fprintf(w, "payload %d of %d", item, n)
			must(err)
			must(w.Close())
		}
		id, err := d.Commit(ctx, vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: 2, Envelope: []byte("an envelope")})
		must(err)
		ids = append(ids, id)
	}
	first := `{"an order":"as deletions.json has it, in one line"}`
	order = fmt.Sprintf("%x", sha256.Sum256([]byte(first)))
	must(v.Apply(ctx, func(c *vault.Change) error {
		if err := c.PutOrder(order, []byte(first+"\nand deletions.json.asc\n")); err != nil {
			return err
		}
		return c.Delete(vault.Deletion{ID: ids[0], Reason: translog.ByOrder, By: reviewer, Order: order})
	}))
	must(v.Delete(ctx, []vault.Deletion{{ID: ids[1], Reason: translog.ByLimit}}))
	secret, public, err := parcel.NewVaultKey()
	must(err)
	var b bytes.Buffer
	_, err = parcel.Write(ctx, &b, v, secret, parcel.Request{})
	must(err)
	return b.Bytes(), public, order
}
