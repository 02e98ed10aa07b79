package admin_test

import (
	"testing"

	"sourdine/vault/order"
)

// Damage of one submission refuses what an order wants of it, and nothing else.
func TestApplyPassesOverDamage(t *testing.T) {
	alice, _ := newDesks(t)
	header, fine := alice.commit("Paris"), alice.commit("Paris")
	if err := alice.local.Close(); err != nil {
		t.Fatal(err)
	}
	id := parseID(t, header)
	flip(t, alice.home.Vault(), "submissions", id[:])
	alice.local = opened(t, alice.home)
	defer alice.local.Close()
	o := alice.next()
	o.Acknowledged = order.IDs{header, fine}
	done := alice.apply(o, nil, deletion(header, "Paris"), deletion(fine, "Paris")).Note.Done
	if done.Acknowledged != 1 || done.Deleted != 1 || done.Refused != 2 {
		t.Errorf("%+v", done)
	}
	for _, r := range done.Refusals {
		if r.ID != header || r.Reason != order.ReasonDamaged {
			t.Errorf("%+v", r)
		}
	}
}
