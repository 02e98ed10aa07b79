package admin_test

import (
	"context"
	"errors"
	"io"
	"strings"
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
	both, one := alice.commit("Paris"), alice.commit("Paris")
	alice.commit("Paris") // nobody has it
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
	retain(vault.Policy{Retention: 30, Limit: 100}, admin.Retained{}) // who sent it was not told
	// The clock goes ahead: nothing goes until somebody says that the day is right.
	later := time.Now().AddDate(0, 0, 101)
	alice.local.SetNow(func() time.Time { return later })
	if done, err := alice.local.Retain(ctx); !errors.Is(err, admin.ErrPaused) || done != (admin.Retained{}) || !strings.Contains(err.Error(), "then 4 submissions are deleted") {
		t.Errorf("with the clock ahead: %+v, %v", done, err)
	}
	if s, err := alice.local.Status(ctx); err != nil || !strings.Contains(strings.Join(s.Problems, "\n"), "vault retention --home DIR --today ") {
		t.Errorf("%q, %v", s.Problems, err)
	}
	if err := alice.local.ConfirmDay(ctx, time.Now().UTC().Format(time.DateOnly)); !errors.Is(err, admin.ErrRefused) {
		t.Errorf("confirming another day: %v", err)
	}
	retainOld(t, alice.local, later)
	if _, err := v.Entry(parseID(t, old)); !errors.Is(err, vault.ErrNotFound) {
		t.Error(err)
	}
}

// retainOld confirms a day: what is damaged stays, and all else goes.
func retainOld(t *testing.T, l *admin.Local, day time.Time) {
	t.Helper()
	if err := l.ConfirmDay(ctx, day.UTC().Format(time.DateOnly)); err != nil {
		t.Fatal(err)
	}
	if done, err := l.Retain(ctx); err != nil || done.ByLimit+done.ByRetention != 4 {
		t.Errorf("%+v, %v", done, err)
	}
	l.SetNow(func() time.Time { return day.AddDate(0, 0, -1) })
	if _, err := l.Retain(ctx); !errors.Is(err, admin.ErrPaused) {
		t.Errorf("with the clock a day back: %v", err)
	}
	l.SetNow(func() time.Time { return day.AddDate(0, 0, 3) })
	if _, err := l.Retain(ctx); err != nil {
		t.Errorf("three days later: %v", err)
	}
}

// One damaged submission, and one damaged policy, hold nothing else up.
func TestRetainPassesOverDamage(t *testing.T) {
	h := newHome(t)
	local := opened(t, h)
	id := fill(t, local.Vault(), 100)
	for range 3 {
		fill(t, local.Vault(), 100)
	}
	if err := errors.Join(local.AddChannel(ctx, "Lille"), local.SetPolicy(ctx, "Nice", vault.Policy{Limit: 1}), local.Close()); err != nil {
		t.Fatal(err)
	}
	flip(t, h.Vault(), "submissions", id[:])
	local = opened(t, h)
	local.SetNow(func() time.Time { return time.Now().AddDate(1, 0, 0) })
	done, err := local.Retain(ctx)
	if err != nil || done != (admin.Retained{ByLimit: 3, Damaged: 1}) {
		t.Errorf("%+v, %v", done, err)
	}
	if s, err := local.Status(ctx); err != nil || !strings.Contains(strings.Join(s.Problems, "\n"), "retention and limits passed over 1 submission of") || len(s.Channels) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := local.Close(); err != nil {
		t.Fatal(err)
	}
	flip(t, h.Vault(), "policies", []byte("Nice"))
	local = opened(t, h)
	defer local.Close()
	if s, err := local.Status(ctx); err != nil || len(s.Channels) != 2 || strings.Contains(strings.Join(s.Problems, "\n"), "there is no channel") {
		t.Errorf("with a damaged policy: %+v, %v", s, err)
	}
}

func opened(t *testing.T, h admin.Home) *admin.Local {
	t.Helper()
	local, err := admin.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	return local
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
		if events != 2*8+7*4 {                        // daily, and every six hours
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
