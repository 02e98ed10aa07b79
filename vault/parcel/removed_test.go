package parcel_test

import (
	"errors"
	"slices"
	"testing"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

func removeMember(t testing.TB, v *vault.Vault, channel string, k vaulttest.Key) {
	t.Helper()
	if _, err := v.RemoveMember(ctx, channel, fingerprint(k)); err != nil {
		t.Fatal(err)
	}
}

// Who was removed from a channel gets nothing of it any more, not what was sealed
// to them before either; the other channel's as before, and everything again once
// they are back.
func TestRemoved(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice, bob := newReviewer(t), newReviewer(t)
	addChannel(t, v, "Nice", alice, bob)
	addChannel(t, v, "Lyon", alice)
	before, had, lyon := submit(t, v, "Nice", random(9), random(9)), submit(t, v, "Nice", random(9), random(9)), submit(t, v, "Lyon", random(9), random(9))
	acknowledge(t, v, alice, had)
	check := func(when string, want map[string][]vault.ID) {
		t.Helper()
		for who, ids := range want {
			r := parcel.Request{Reviewer: map[string]string{"alice": fingerprint(alice), "bob": fingerprint(bob)}[who]}
			c := contentOf(t, request(t, v, r))
			c.check(t, nil)
			if !sameSet(idsIn(c.index), texts(ids...)) {
				t.Errorf("%s, %s gets %q, want %q", when, who, idsIn(c.index), texts(ids...))
			}
			parts, err := parcel.Parts(ctx, v, r)
			if err != nil || len(parts) != 1 {
				t.Errorf("%s, %s: %d parts, %v", when, who, len(parts), err)
			}
		}
	}
	check("before", map[string][]vault.ID{"alice": {before, lyon}, "bob": {before, had}, "everybody": {before, had, lyon}})
	removeMember(t, v, "Nice", alice)
	later := submit(t, v, "Nice", random(9), random(9))
	check("removed", map[string][]vault.ID{"alice": {lyon}, "bob": {before, had, later}, "everybody": {before, had, lyon, later}})
	acknowledge(t, v, bob, before, later)
	check("the others have it", map[string][]vault.ID{"alice": {lyon}, "bob": {had}, "everybody": {had, lyon}})
	addMember(t, v, "Nice", alice)
	check("back", map[string][]vault.ID{"alice": {before, lyon}, "bob": {had}, "everybody": {before, had, lyon}})
}

// What nobody of the roster can acknowledge any more waits for those who ask for
// everything.
func TestNobodyIsLeft(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice, bob := newReviewer(t), newReviewer(t)
	addChannel(t, v, "Nice", alice)
	left := submit(t, v, "Nice", random(9), random(9))
	acknowledge(t, v, alice, left)
	addMember(t, v, "Nice", bob)
	removeMember(t, v, "Nice", alice)
	for reviewer, want := range map[string][]vault.ID{fingerprint(bob): nil, "": {left}} {
		c := contentOf(t, request(t, v, parcel.Request{Reviewer: reviewer}))
		c.check(t, nil)
		if !sameSet(idsIn(c.index), texts(want...)) {
			t.Errorf("%q gets %q", reviewer, idsIn(c.index))
		}
	}
}

// A parcel of the log as it was before a removal would lack what that log says is
// the reviewer's: the desk would call it dropped. Who is not concerned can have it.
func TestRemovedBehindTheLog(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice, bob := newReviewer(t), newReviewer(t)
	addChannel(t, v, "Nice", alice, bob)
	addChannel(t, v, "Lyon", alice)
	id := submit(t, v, "Nice", random(9), random(9))
	size := batch(t, v)
	sized := func(k *vaulttest.Key) parcel.Request {
		if k == nil {
			return parcel.Request{Size: size}
		}
		return parcel.Request{Reviewer: fingerprint(*k), Size: size}
	}
	bobs := bytesOf(t, planned(t, v, sized(&bob)))
	removeMember(t, v, "Nice", alice) // it waits for the log
	check := func(when string) {
		t.Helper()
		if p, err := parcel.NewPlan(ctx, v, fixedKey(1).secret, sized(&alice)); !errors.Is(err, parcel.ErrOutdated) {
			t.Errorf("%s: %v, %v", when, p != nil, err)
		}
		if !slices.Equal(bytesOf(t, planned(t, v, sized(&bob))), bobs) {
			t.Errorf("%s: another reviewer's parcel is another", when)
		}
		planned(t, v, sized(nil))
	}
	check("pending")
	batch(t, v)
	check("in the log")
	addMember(t, v, "Lyon", bob)
	check("another channel has changed")
	// Who asks for all is concerned when only the removed one lacks something.
	acknowledge(t, v, bob, id)
	if _, err := parcel.NewPlan(ctx, v, fixedKey(1).secret, sized(nil)); !errors.Is(err, parcel.ErrOutdated) {
		t.Errorf("everybody: %v", err)
	}
	addMember(t, v, "Nice", alice)
	if p := planned(t, v, sized(&alice)); !slices.Equal(idsIn(p.Index()), texts(id)) {
		t.Errorf("back: %q", idsIn(p.Index()))
	}
}
