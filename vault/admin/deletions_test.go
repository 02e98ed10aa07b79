package admin_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
)

// Another desk that gets the proof of a deletion learns nothing of what else the
// return parcel said.
func TestProofOfADeletionSaysNothingElse(t *testing.T) {
	alice, bob := newDesks(t)
	read, gone, open := alice.commit("Paris"), alice.commit("Paris"), alice.commit("Nice")
	_, box := alice.mailbox(1)
	o, files := alice.next(), map[string][]byte{}
	o.Acknowledged, o.Opened = order.IDs{read, gone, open}, order.IDs{read, open}
	reply(o, box, alice.message(), files)
	reenvelope(o, read, 2, alice.envelope("Paris"), files)
	alice.apply(o, files, deletion(gone, "Paris"))
	signed, err := o.Sign([]order.Deletion{deletion(gone, "Paris")}, alice.key.Entity, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	theirs := bob.logFiles(t)
	proof := theirs["orders/"+digest(signed.Deletions)+".txt"]
	raw, signature, _ := strings.Cut(proof, "\n")
	if d, err := order.VerifyDeletions([]byte(raw), []byte(signature), alice.key.Certificate(t), time.Now()); err != nil || len(d.List) != 1 {
		t.Errorf("%q: %v", proof, err)
	}
	for name, content := range theirs {
		for _, else1 := range []string{digest(signed.Return), box, o.Replies[0].SHA256, o.Envelopes[0].SHA256, `"acknowledged"`, `"opened"`} {
			if strings.Contains(content, else1) || strings.HasPrefix(name, "applied/") {
				t.Errorf("%s says %s", name, else1)
			}
		}
		if strings.HasPrefix(name, "orders/") && (strings.Contains(content, read) || strings.Contains(content, open)) {
			t.Errorf("%s names what was not deleted", name)
		}
	}
	if _, err := alice.local.Vault().Order(digest(signed.Return)); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("the vault keeps the order: %v", err)
	}
}

// Deletions that are not those of the order: nothing of the parcel is done.
func TestApplyOtherDeletions(t *testing.T) {
	alice, bob := newDesks(t)
	id, other := alice.commit("Paris"), alice.commit("Paris")
	first := alice.next()
	signed, err := first.Sign([]order.Deletion{deletion(id, "Paris")}, alice.key.Entity, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	sign := func(raw []byte, by *desk) []byte {
		signature, err := order.Sign(raw, by.key.Entity, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	// forged is the next order, which names these deletions.
	forged := func(by *desk, change func(*order.Deletions)) []byte {
		d := &order.Deletions{VaultKey: first.VaultKey, Reviewer: first.Reviewer, Sequence: 1, List: []order.Deletion{deletion(other, "Paris")}}
		change(d)
		deletions, err := d.Encode()
		o := *first
		o.Deletions = digest(deletions)
		raw, err2 := o.Encode()
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		return tarOf(t, raw, sign(raw, alice), deletions, sign(deletions, by))
	}
	_, elsewhere, err := parcel.NewVaultKey()
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name string, p []byte, want string) {
		t.Helper()
		_, err := alice.local.ApplyParcel(ctx, bytes.NewReader(p))
		if !errors.Is(err, admin.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	const apart = "deletions.json is for another server, of another reviewer or of another number than return.json"
	differs := parcel.ErrReturnAltered.Error()
	refused("missing", tarOf(t, signed.Return, signed.ReturnSignature), differs)
	refused("unsigned", tarOf(t, signed.Return, signed.ReturnSignature, signed.Deletions), differs)
	refused("altered", tarOf(t, signed.Return, signed.ReturnSignature, bytes.Replace(signed.Deletions, []byte(id), []byte(other), 1), signed.DeletionsSignature), differs)
	bare, err := first.Sign(nil, alice.key.Entity, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	refused("not named", tarOf(t, bare.Return, bare.ReturnSignature, signed.Deletions, signed.DeletionsSignature), differs)
	refused("of another number", forged(alice, func(d *order.Deletions) { d.Sequence = 2 }), apart)
	refused("for another vault", forged(alice, func(d *order.Deletions) { d.VaultKey = elsewhere }), apart)
	refused("of another reviewer", forged(bob, func(d *order.Deletions) { d.Reviewer = bob.fingerprint() }), apart)
	bobs, err := bob.next().Sign([]order.Deletion{deletion(id, "Paris")}, bob.key.Entity, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	refused("signed by another", tarOf(t, signed.Return, signed.ReturnSignature, signed.Deletions, bobs.DeletionsSignature), order.ErrOtherKey.Error())
	refused("signed with the order's", tarOf(t, signed.Return, signed.ReturnSignature, signed.Deletions, signed.ReturnSignature), order.ErrAltered.Error())
	if state := alice.state(); state.Sequence != 0 {
		t.Fatalf("something was applied: %+v", state)
	}
	if _, err := alice.local.ApplyParcel(ctx, bytes.NewReader(packed(t, signed, nil))); err != nil {
		t.Fatal(err)
	}
	// The same deletions again, in the parcel that follows.
	o := *first
	o.Sequence, o.Deletions = 2, digest(signed.Deletions)
	raw, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	refused("used again", tarOf(t, raw, sign(raw, alice), signed.Deletions, signed.DeletionsSignature), apart)
	if _, err := alice.local.Vault().Entry(parseID(t, other)); err != nil {
		t.Errorf("something was deleted: %v", err)
	}
}
