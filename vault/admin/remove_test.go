package admin_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/order"
)

// Who was removed from one of two channels may do nothing in it any more, and in
// the other what they might before.
func TestRemovedReviewer(t *testing.T) {
	alice, bob := newDesks(t) // Alice reads Nice and Paris, Bob Paris
	nice, paris := alice.commit("Nice"), alice.commit("Paris")
	if _, err := alice.local.AddReviewer(ctx, "Nice", bob.key.Certificate(t)); err != nil {
		t.Fatal(err)
	}
	changes := 0
	alice.local.RosterChanged = func() { changes++ }
	removed, err := alice.local.RemoveReviewer(ctx, "Nice", strings.ToLower(alice.fingerprint()))
	if err != nil || removed.Fingerprint != alice.fingerprint() || !slices.Equal(removed.Elsewhere, []string{"Paris"}) || changes != 1 {
		t.Fatalf("%+v, %v; %d changes", removed, err, changes)
	}
	later := bob.commit("Nice")
	o := alice.next()
	o.Acknowledged, o.Opened = order.IDs{nice, paris, later}, order.IDs{nice}
	done := alice.apply(o, nil, deletion(nice, "Nice"), deletion(paris, "Paris")).Note.Done
	if done.Acknowledged != 1 || done.Opened != 0 || done.Deleted != 1 || done.Refused != 4 {
		t.Errorf("%+v", done)
	}
	for _, r := range done.Refusals {
		if r.Reason != order.ReasonRole || r.ID == paris {
			t.Errorf("refused: %+v", r)
		}
	}
	if _, err := alice.local.Vault().Entry(parseID(t, nice)); err != nil {
		t.Errorf("what was to be deleted: %v", err)
	}
	plan, err := alice.local.Plan(ctx, admin.Export{Reviewer: alice.fingerprint()})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range plan.Index().Submissions {
		if s.ID == later {
			t.Error("what came later is in the parcel")
		}
	}
	// Added again, the desk goes on where it was.
	if _, err := alice.local.AddReviewer(ctx, "Nice", alice.key.Certificate(t)); err != nil {
		t.Fatal(err)
	}
	o = alice.next()
	o.Acknowledged = order.IDs{nice}
	if done := alice.apply(o, nil).Note.Done; done.Acknowledged != 1 {
		t.Errorf("added again: %+v", done)
	}
}

// Who is on no roster any more is nobody here: for return parcels, for parcels, and
// for pickup.
func TestRemovedFromAll(t *testing.T) {
	alice, bob := newDesks(t)
	o := bob.next()
	removed, err := bob.local.RemoveReviewer(ctx, "Paris", bob.fingerprint())
	if err != nil || removed.Elsewhere == nil || len(removed.Elsewhere) != 0 {
		t.Fatalf("%+v, %v", removed, err)
	}
	if _, err := bob.local.ApplyParcel(ctx, bytes.NewReader(bob.pack(o, nil))); !errors.Is(err, admin.ErrStranger) {
		t.Errorf("the return parcel: %v", err)
	}
	if _, err := bob.local.ExportParcel(ctx, io.Discard, admin.Export{Reviewer: bob.fingerprint()}); !errors.Is(err, admin.ErrNoReviewer) || !errors.Is(err, admin.ErrRefused) {
		t.Errorf("the parcel: %v", err)
	}
	members, err := bob.local.Reviewers()
	if err != nil || len(members) != 1 || members[0].Fingerprint != alice.fingerprint() {
		t.Errorf("pickup lists %+v, %v", members, err)
	}
	if e, err := bob.local.Vault().Entry(parseID(t, alice.commit("Paris"))); err != nil || e.Epoch != 3 {
		t.Errorf("what comes now: %+v, %v", e, err)
	}
}

func TestRemoveReviewerRefuses(t *testing.T) {
	alice, bob := newDesks(t)
	for name, c := range map[string]struct {
		channel, wanted string
		want            error
		text            string
	}{
		"unknown channel":   {"Lille", alice.fingerprint(), vault.ErrNotFound, "channel not found in the vault"},
		"unknown name":      {"Paris", "Carole", admin.ErrNoReviewer, `refused: no reviewer of channel Paris has the fingerprint or name "Carole"`},
		"nothing":           {"Paris", "", admin.ErrNoReviewer, `refused: no reviewer of channel Paris has the fingerprint or name ""`},
		"on another roster": {"Nice", bob.fingerprint(), admin.ErrNoReviewer, `refused: no reviewer of channel Nice has the fingerprint or name "` + bob.fingerprint() + `"`},
		"the only one":      {"Nice", alice.fingerprint(), vault.ErrLastReviewer, "refused: the only reviewer of a channel cannot be removed: nobody could read what sources send to it"},
	} {
		if removed, err := alice.local.RemoveReviewer(ctx, c.channel, c.wanted); !errors.Is(err, c.want) || err.Error() != c.text || removed.Fingerprint != "" {
			t.Errorf("%s: %+v, %v", name, removed, err)
		}
	}
	s, err := alice.local.Status(ctx)
	if err != nil || len(s.Channels[0].Reviewers) != 1 || len(s.Channels[1].Reviewers) != 2 {
		t.Errorf("%+v, %v", s.Channels, err)
	}
}
