package admin_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/order"
)

// What every reviewer acknowledged goes when its time has come; what one lacks
// stays, but for a limit.
func TestRetain(t *testing.T) {
	alice, bob := newDesks(t)
	v := alice.local.Vault()
	both, one, nobody := alice.commit("Paris"), alice.commit("Paris"), alice.commit("Paris")
	o := alice.next()
	o.Acknowledged = order.IDs{both, one}
	alice.apply(o, nil)
	o = bob.next()
	o.Acknowledged = order.IDs{both}
	bob.apply(o, nil)
	retain := func(p vault.Policy, want admin.Retained) {
		t.Helper()
		if err := alice.local.SetPolicy(ctx, "Paris", p); err != nil {
			t.Fatal(err)
		}
		if got, err := alice.local.Retain(ctx); err != nil || got != want {
			t.Errorf("%+v: %+v, %v", p, got, err)
		}
	}
	retain(vault.Policy{}, admin.Retained{})
	retain(vault.Policy{Retention: 30}, admin.Retained{})
	if s, err := alice.local.Status(ctx); err != nil || s.Channels[1].Waiting != 2 || s.Channels[1].Policy.Retention != 30 {
		t.Errorf("%+v, %v", s.Channels, err)
	}
	// The vault's days are the machine's: the submissions are of a day long ago.
	old := alice.commitOn("Paris", "2020-01-01")
	retain(vault.Policy{Retention: 30, Limit: 3650}, admin.Retained{})
	retain(vault.Policy{Retention: 30, Limit: 100}, admin.Retained{ByLimit: 1})
	if _, err := v.Entry(parseID(t, old)); !errors.Is(err, vault.ErrNotFound) {
		t.Error(err)
	}
	for _, id := range []string{both, one, nobody} {
		if _, err := v.Entry(parseID(t, id)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// Upkeep ends with its context, tells of failures, and lets the log grow.
func TestUpkeep(t *testing.T) {
	local, err := admin.Open(newHome(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := local.AddChannel(ctx, "Nice"); err != nil {
		t.Fatal(err)
	}
	stopping, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		local.Upkeep(stopping, func(name string) { t.Errorf("event %s", name) })
		close(done)
	}()
	for size := int64(0); size == 0; time.Sleep(time.Millisecond) {
		if size, err = local.Vault().LogSize(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	<-done
	if err := local.Close(); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithTimeout(ctx, time.Millisecond)
	defer end()
	var events []string
	local.Upkeep(ended, func(name string) { events = append(events, name) })
	if len(events) > 2 {
		t.Errorf("events %q", events)
	}
}

// It comes back every day.
func TestUpkeepIsDaily(t *testing.T) {
	h := newHome(t)
	synctest.Test(t, func(t *testing.T) {
		local, err := admin.Open(h)
		if err != nil {
			t.Fatal(err)
		}
		if err := local.Close(); err != nil {
			t.Fatal(err)
		}
		week, end := context.WithTimeout(t.Context(), 7*24*time.Hour+time.Minute)
		defer end()
		events := 0
		local.Upkeep(week, func(string) { events++ }) // a closed vault: everything fails
		if events != 2*8 {
			t.Errorf("%d events in a week", events)
		}
	})
}

// An export that is asked for by name.
func TestExportByName(t *testing.T) {
	alice, bob := newDesks(t)
	v := alice.local.Vault()
	roster, err := v.Roster("Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []vault.Member{{Name: "Chloé", Fingerprint: "AB" + alice.fingerprint()[2:]}, {Name: "Dup", Fingerprint: "AC" + alice.fingerprint()[2:]}, {Name: "Dup", Fingerprint: "AD" + alice.fingerprint()[2:]}} {
		m.Certificate = roster.Members[0].Certificate
		if _, err := v.AddMember(ctx, "Paris", m); err != nil {
			t.Fatal(err)
		}
	}
	for _, wanted := range []string{"Chloé", bob.fingerprint(), "ab" + alice.fingerprint()[2:10] + " " + alice.fingerprint()[10:]} {
		if _, err := alice.local.ExportParcel(ctx, io.Discard, admin.Export{Reviewer: wanted}); err != nil {
			t.Errorf("%s: %v", wanted, err)
		}
	}
	for _, wanted := range []string{"Dup", "chloé", "Nobody", bob.fingerprint()[:16], " "} {
		if _, err := alice.local.ExportParcel(ctx, io.Discard, admin.Export{Reviewer: wanted}); !errors.Is(err, admin.ErrRefused) {
			t.Errorf("%s: %v", wanted, err)
		}
	}
}
