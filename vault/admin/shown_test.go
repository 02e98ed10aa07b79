package admin_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sourdine/vault/admin"
)

// logged returns the size of the log, and how many leaves wait.
func (d *desk) logged() (size int64, pending int) {
	d.t.Helper()
	s, err := d.local.Status(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	return s.Log.Size, s.Log.Pending
}

// looks is what somebody at pickup is shown.
func (d *desk) looks() (size int64, count int) {
	d.t.Helper()
	size, err := d.local.Shown(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	plan, err := d.local.PlanShown(ctx, admin.Export{Reviewer: d.fingerprint()})
	if err != nil {
		d.t.Fatal(err)
	}
	if plan.Index().Size != size {
		d.t.Errorf("the log has %d leaves, and then %d", size, plan.Index().Size)
	}
	return size, len(plan.Index().Submissions)
}

// Who looks at pickup after each submission learns nothing of their order, and writes
// none into the log; an export, a new return parcel and what must be told are batches.
func TestLookingIsNoBatch(t *testing.T) {
	alice, bob := newDesks(t)
	first, _ := alice.looks() // the first batch: channels and rosters
	for n := range 5 {
		alice.commit("Nice")
		if size, count := alice.looks(); size != first || count != 0 {
			t.Errorf("after %d: %d leaves, %d submissions", n+1, size, count)
		}
	}
	o := bob.next() // which lets them join
	raw := bob.pack(o, nil)
	if size, count := alice.looks(); size != first+5 || count != 5 {
		t.Errorf("%d leaves, %d submissions", size, count)
	}
	for range 3 { // new, and then again
		alice.commit("Nice")
		if _, err := alice.local.ApplyParcel(ctx, bytes.NewReader(raw)); err != nil {
			t.Fatal(err)
		}
		alice.looks()
	}
	if size, pending := alice.logged(); size != first+6 || pending != 2 {
		t.Errorf("%d leaves, %d pending", size, pending)
	}
	gone := alice.commit("Nice")
	alice.apply(alice.next(), nil, deletion(gone, "Nice"))
	if size, count := alice.looks(); size != first+10 || count != 8 {
		t.Errorf("a deletion is not told: %d leaves, %d submissions", size, count)
	}
}

// The server itself has a batch every six hours.
func TestUpkeepBatches(t *testing.T) {
	h := newHome(t)
	synctest.Test(t, func(t *testing.T) {
		local, err := admin.Open(h)
		if err != nil {
			t.Fatal(err)
		}
		defer local.Close()
		running, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); local.Upkeep(running, func(name string) { t.Error(name) }) }()
		synctest.Wait()
		pending := func() int {
			n, err := local.Vault().Pending()
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if err := local.AddChannel(t.Context(), "Nice"); err != nil {
			t.Fatal(err)
		}
		before := pending()
		time.Sleep(6*time.Hour - time.Second)
		if before == 0 || pending() != before {
			t.Errorf("too early: %d of %d are pending", pending(), before)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := pending(); n != 0 {
			t.Errorf("%d are pending", n)
		}
		stop()
		<-ended
	})
}
