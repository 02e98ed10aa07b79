package parcel_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// Two channels, whose rosters have one reviewer in common: each gets what was
// sealed to them and what their desk does not have, whoever else has it.
func TestForWhom(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice, bob, carol := newReviewer(t), newReviewer(t), newReviewer(t)
	addChannel(t, v, "Nice", alice, bob)
	addChannel(t, v, "Marseille", bob)
	nice := []vault.ID{submit(t, v, "Nice", random(9), random(9)), submit(t, v, "Nice", random(9), random(9)), submit(t, v, "Nice", random(9), random(9))}
	marseille := []vault.ID{submit(t, v, "Marseille", random(9), random(9)), submit(t, v, "Marseille", random(9), random(9))}
	addMember(t, v, "Nice", carol) // cannot read what was sealed before
	later := submit(t, v, "Nice", random(9), random(9))

	check := func(when string, want map[string][]vault.ID) {
		t.Helper()
		for who, ids := range want {
			r := parcel.Request{Reviewer: map[string]string{"alice": fingerprint(alice), "bob": fingerprint(bob), "carol": fingerprint(carol)}[who]}
			c := contentOf(t, request(t, v, r))
			c.check(t, nil)
			if !sameSet(idsIn(c.index), texts(ids...)) || c.index.Reviewer != r.Reviewer || c.index.Left != 0 {
				t.Errorf("%s, %s gets %q, %d left; want %q", when, who, idsIn(c.index), c.index.Left, texts(ids...))
			}
		}
	}
	all := slices.Concat(nice, marseille, []vault.ID{later})
	check("at first", map[string][]vault.ID{"alice": {nice[0], nice[1], nice[2], later}, "bob": all, "carol": {later}, "everybody": all})
	acknowledge(t, v, alice, nice[0], later)
	check("after alice", map[string][]vault.ID{"alice": {nice[1], nice[2]}, "bob": all, "carol": {later}, "everybody": all})
	acknowledge(t, v, bob, nice[0], nice[1], marseille[0])
	check("after bob", map[string][]vault.ID{"alice": {nice[1], nice[2]}, "bob": {nice[2], marseille[1], later}, "carol": {later},
		"everybody": {nice[1], nice[2], marseille[1], later}})
	// An acknowledgement of who is not on its roster counts for nobody.
	acknowledge(t, v, carol, nice[2])
	deleteByOrder(t, v, bob, marseille[1], []byte("delete it"))
	check("after a deletion", map[string][]vault.ID{"alice": {nice[1], nice[2]}, "bob": {nice[2], later}, "carol": {later}, "everybody": {nice[1], nice[2], later}})
	acknowledge(t, v, alice, nice...)
	acknowledge(t, v, bob, nice...)
	acknowledge(t, v, bob, later)
	acknowledge(t, v, carol, later)
	check("in the end", map[string][]vault.ID{"alice": nil, "bob": nil, "carol": nil, "everybody": nil})
}

// A desk gets the leaves since what it has seen, and proofs that hold for who
// keeps none.
func TestSinceWhatWasSeen(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice, bob := newReviewer(t), newReviewer(t)
	addChannel(t, v, "Nice", alice, bob)
	first := contentOf(t, request(t, v, parcel.Request{Reviewer: fingerprint(alice)}))
	first.check(t, nil)
	for n := range 40 {
		ids := []vault.ID{submit(t, v, "Nice", random(9), random(n)), submit(t, v, "Nice", random(9), random(9))}
		if n%7 == 0 {
			deleteByOrder(t, v, alice, ids[1], fmt.Appendf(nil, "order %d", n%14))
		}
		if n%9 == 0 {
			addMember(t, v, "Nice", newReviewer(t))
		}
		batch(t, v)
	}
	whole := contentOf(t, request(t, v, parcel.Request{}))
	whole.check(t, nil)
	for _, seen := range []int64{0, 1, 3, 63, 64, 65, whole.index.Size - 1, whole.index.Size} {
		setDesk(t, v, alice, vault.DeskState{Sequence: 1, Seen: seen})
		c := contentOf(t, request(t, v, parcel.Request{Reviewer: fingerprint(alice)}))
		c.check(t, whole.leaves[:seen])
		if c.index.Since != seen || len(c.index.Submissions) != len(whole.index.Submissions) {
			t.Errorf("after %d leaves: since %d, %d submissions", seen, c.index.Since, len(c.index.Submissions))
		}
		if got := contentOf(t, request(t, v, parcel.Request{Reviewer: fingerprint(bob)})); got.index.Since != 0 {
			t.Errorf("another desk gets leaves from %d", got.index.Since)
		}
	}
	// A desk that says it saw more than there is: the vault was restored from an
	// older backup, and the checkpoint shows it.
	setDesk(t, v, alice, vault.DeskState{Sequence: 1, Seen: 1 << 30})
	c := contentOf(t, request(t, v, parcel.Request{Reviewer: fingerprint(alice)}))
	c.check(t, whole.leaves)
}

// The vault's answers to return parcels go to who made them.
func TestApplied(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice, bob, carol := newReviewer(t), newReviewer(t), vaulttest.NewKey(t, vaulttest.V4)
	addChannel(t, v, "Nice", alice, bob, carol)
	setDesk(t, v, alice, vault.DeskState{Sequence: 1, Applied: []byte("to alice")})
	setDesk(t, v, bob, vault.DeskState{Sequence: 1})
	setDesk(t, v, carol, vault.DeskState{Sequence: 1, Applied: []byte("to carol")})
	for reviewer, want := range map[string]map[string]string{
		fingerprint(alice): {fingerprint(alice): "to alice"}, fingerprint(bob): {},
		"": {fingerprint(alice): "to alice", fingerprint(carol): "to carol"},
	} {
		c := contentOf(t, request(t, v, parcel.Request{Reviewer: reviewer}))
		c.check(t, nil)
		got := map[string]string{}
		for name, raw := range c.files {
			if by, ok := strings.CutPrefix(name, "applied/"); ok {
				got[strings.TrimSuffix(by, ".note")] = string(raw)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("for %q: %q, want %q", reviewer, got, want)
		}
	}
}

func TestRefusedRequests(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice := newReviewer(t)
	addChannel(t, v, "Nice", alice)
	submit(t, v, "Nice", random(9), random(9))
	size := batch(t, v)
	for name, c := range map[string]struct {
		r    parcel.Request
		want error
	}{
		"a stranger":        {parcel.Request{Reviewer: fingerprint(newReviewer(t))}, vault.ErrNotFound},
		"a larger log":      {parcel.Request{Size: size + 1}, parcel.ErrOutdated},
		"no fingerprint":    {parcel.Request{Reviewer: "EVIL\u202e"}, nil},
		"a small one":       {parcel.Request{Reviewer: strings.ToLower(fingerprint(alice))}, nil},
		"a short one":       {parcel.Request{Reviewer: fingerprint(alice)[:63]}, nil},
		"a negative size":   {parcel.Request{Size: -1}, nil},
		"negative bytes":    {parcel.Request{Bytes: -1}, nil},
		"a path for a name": {parcel.Request{Reviewer: "../" + fingerprint(alice)}, nil},
	} {
		_, err := parcel.NewPlan(ctx, v, fixedKey(1).secret, c.r)
		_, errParts := parcel.Parts(ctx, v, c.r)
		var b bytes.Buffer
		_, errWrite := parcel.Write(ctx, &b, v, fixedKey(1).secret, c.r)
		for _, err := range []error{err, errParts, errWrite} {
			if err == nil || c.want != nil && !errors.Is(err, c.want) || b.Len() > 0 {
				t.Errorf("%s: %v, want %v", name, err, c.want)
				continue
			}
			checkText(t, name, err)
		}
	}
	if err := v.AddChannel(ctx, "Lyon"); err != nil { // changes nothing of what was before
		t.Fatal(err)
	}
	setDesk(t, v, alice, vault.DeskState{Seen: batch(t, v)})
	if _, err := parcel.NewPlan(ctx, v, fixedKey(1).secret, parcel.Request{Reviewer: fingerprint(alice), Size: size}); !errors.Is(err, parcel.ErrOutdated) {
		t.Errorf("less than the desk has seen: %v", err)
	}
	planned(t, v, parcel.Request{Size: size})
}

// What nobody can acknowledge, and what is sealed to a roster that the vault
// does not have, is carried to those who ask for everything.
func TestWithoutReviewers(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice := newReviewer(t)
	addChannel(t, v, "Nice")
	empty := submit(t, v, "Nice", random(9), random(9))
	addMember(t, v, "Nice", alice)
	acknowledge(t, v, alice, empty)
	unknown := submitAt(t, v, vault.Commitment{Channel: "Lille", Day: day, Envelope: random(9)}, random(9))
	c := contentOf(t, request(t, v, parcel.Request{}))
	c.check(t, nil)
	if !sameSet(idsIn(c.index), texts(empty, unknown)) {
		t.Errorf("everybody gets %q", idsIn(c.index))
	}
	if c := contentOf(t, request(t, v, parcel.Request{Reviewer: fingerprint(alice)})); len(c.index.Submissions) > 0 {
		t.Errorf("who may not read it gets %q", idsIn(c.index))
	}
}

// A deletion by policy has no order; one by order brings it once, however many
// it deleted.
func TestOrders(t *testing.T) {
	v := vaulttest.NewVault(t)
	alice := newReviewer(t)
	addChannel(t, v, "Nice", alice)
	var ids []vault.ID
	for range 6 {
		ids = append(ids, submit(t, v, "Nice", random(9), random(9)))
	}
	batch(t, v)
	for n, id := range ids[:4] {
		deleteByOrder(t, v, alice, id, fmt.Appendf(nil, "order %d", n/2))
	}
	if err := v.Delete(ctx, []vault.Deletion{{ID: ids[4], Reason: translog.ByLimit}}); err != nil {
		t.Fatal(err)
	}
	c := contentOf(t, request(t, v, parcel.Request{}))
	c.check(t, nil)
	orders := 0
	for name, raw := range c.files {
		if sum, ok := strings.CutPrefix(name, "orders/"); ok {
			orders++
			if strings.TrimSuffix(sum, ".txt") != sealedFile(raw).SHA256 {
				t.Errorf("%s is %q", name, raw)
			}
		}
	}
	if orders != 2 || !sameSet(idsIn(c.index), texts(ids[5])) {
		t.Errorf("%d orders, and %q", orders, idsIn(c.index))
	}
	// A leaf that names an order which the vault does not have: said, not hidden.
	missing := vault.Deletion{ID: ids[5], Reason: translog.ByOrder, By: fingerprint(alice), Order: goodDigest}
	if err := v.Delete(ctx, []vault.Deletion{missing}); err != nil {
		t.Fatal(err)
	}
	batch(t, v)
	if _, err := parcel.NewPlan(ctx, v, fixedKey(1).secret, parcel.Request{}); !errors.Is(err, vault.ErrNotFound) || !strings.Contains(err.Error(), "orders/"+goodDigest) {
		t.Errorf("an order that is missing: %v", err)
	}
}
