package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// problem returns the status's sentence that has all of the words; "" when there is
// none.
func problem(t testing.TB, a admin.Admin, words ...string) string {
	t.Helper()
	s, err := a.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Problems {
		all := true
		for _, word := range words {
			all = all && strings.Contains(p, word)
		}
		if all {
			return p
		}
	}
	return ""
}

func slotsOf(h admin.Home) string { return filepath.Join(filepath.Dir(h.Vault()), "vault.slots") }

// A deletion whose keys are not overwritten says so to whoever ordered it and to
// the admin, by name, and upkeep ends it as soon as the disk lets it.
func TestUpkeepEndsDeletions(t *testing.T) {
	h := newHome(t)
	synctest.Test(t, func(t *testing.T) { // a pause of seconds
		local, err := admin.Open(h)
		if err != nil {
			t.Fatal(err)
		}
		defer local.Close()
		alice, _ := desksAt(t, h, local)
		id, kept := alice.commit("Nice"), alice.commit("Nice")
		if p := problem(t, local, "overwritten"); p != "" {
			t.Fatalf("before: %s", p)
		}
		mend := vaulttest.FailWrites(t, slotsOf(h))
		back := alice.pack(alice.next(), nil, order.Deletion{ID: id, Channel: "Nice"})
		_, err = local.ApplyParcel(ctx, bytes.NewReader(back))
		if !errors.Is(err, vault.ErrNotOverwritten) || !errors.Is(err, admin.ErrStorage) {
			t.Fatalf("the deletion: %v", err)
		}
		if p := problem(t, local, "the old keys of 1 submission,", id, "can still open them", "tries again"); p == "" || strings.Contains(p, kept) {
			t.Errorf("status says %q", p)
		}
		var events []string
		upkeep := func(d time.Duration) {
			until, end := context.WithTimeout(t.Context(), d)
			defer end()
			local.Upkeep(until, func(name string) { events = append(events, name) })
		}
		upkeep(time.Minute)
		if len(events) != 1 || events[0] != "deletion_unfinished" || problem(t, local, "overwritten") == "" {
			t.Errorf("after a minute: %q", events)
		}
		mend()
		upkeep(11 * time.Second)
		if p := problem(t, local, "overwritten"); p != "" || len(events) != 1 {
			t.Errorf("when the disk is well: %q, %s", events, p)
		}
		receipt, err := local.ApplyParcel(ctx, bytes.NewReader(back))
		if err != nil || !receipt.Again || receipt.Note.Done.Deleted != 1 {
			t.Errorf("the same parcel again: %+v, %v", receipt, err)
		}
	})
}

// What cannot be read is left out of parcels, and said: to who exports, and in the
// status; over the socket like without it.
func TestUnreadableIsSaid(t *testing.T) {
	for _, bucket := range []string{"envelopes", "chunks", "submissions"} {
		for _, size := range []int{100, 600_000} { // found before anything was sent, and after
			h := newHome(t)
			local, err := admin.Open(h)
			if err != nil {
				t.Fatal(err)
			}
			ids := []vault.ID{fill(t, local.Vault(), size), fill(t, local.Vault(), size), fill(t, local.Vault(), size)}
			if err := local.Close(); err != nil {
				t.Fatal(err)
			}
			flip(t, h.Vault(), bucket, ids[1][:])
			if bucket == "chunks" {
				flip(t, h.Vault(), bucket, ids[2][:])
			}
			local = serving(t, h)
			checkSaid(t, bucket, connect(t, h), ids[1])
			checkSaid(t, bucket, local, ids[1])
		}
	}
}

func checkSaid(t *testing.T, bucket string, a admin.Admin, id vault.ID) {
	t.Helper()
	want := 1
	if bucket == "chunks" {
		want = 2
	}
	rest, err := a.ExportParcel(ctx, io.Discard, admin.Export{})
	if errors.Is(err, parcel.ErrUnreadable) && bucket == "chunks" {
		rest, err = a.ExportParcel(ctx, io.Discard, admin.Export{}) // all is known now
	}
	if err != nil || rest.Unreadable != want || !strings.Contains(rest.Named, id.String()) || rest.Count != 0 {
		t.Errorf("%s, by %T: %+v, %v", bucket, a, rest, err)
	}
	if p := problem(t, a, "cannot be read from the disk", id.String(), "sourdine vault verify"); p == "" {
		t.Errorf("%s, by %T: the status does not say it", bucket, a)
	}
}

// A file that is not at its place is said, and so is who comes with another key.
func TestStatusOfWhatIsGone(t *testing.T) {
	h := newHome(t)
	local := serving(t, h)
	fill(t, local.Vault(), 10)
	away := slotsOf(h) + ".away"
	if err := os.Rename(slotsOf(h), away); err != nil {
		t.Fatal(err)
	}
	remote := connect(t, h)
	if p := problem(t, remote, "vault.slots", "nothing is accepted", "/proc/PID/fd"); p == "" {
		t.Error("nobody says that a file is gone")
	}
	if err := remote.AddChannel(ctx, "Paris"); !errors.Is(err, admin.ErrStorage) || !errors.Is(err, vault.ErrGone) {
		t.Errorf("AddChannel: %v", err)
	}
	if err := os.Rename(away, slotsOf(h)); err != nil {
		t.Fatal(err)
	}
	if err := remote.AddChannel(ctx, "Paris"); err != nil || problem(t, remote, "vault.slots") != "" {
		t.Errorf("back again: %v", err)
	}
}

func TestOtherKeys(t *testing.T) {
	h, other := newHome(t), newHome(t)
	home := filepath.Dir(h.Vault())
	swap := func(name string) {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(filepath.Dir(other.Vault()), name))
		if name != "vault.key" {
			raw[len(raw)/2] ^= 1
		}
		if err := errors.Join(err, os.WriteFile(filepath.Join(home, name), raw, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	local, err := admin.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := local.CheckKey(); err != nil || problem(t, local, ".key") != "" {
		t.Errorf("its own key: %v", err)
	}
	swap("onion/source.key")
	swap("vault.key")
	if problem(t, local, "onion/source.key is not what it was", "another address") == "" || problem(t, local, "vault.key is not what it was") == "" {
		t.Error("a running server does not say that its keys are others")
	}
	if err := errors.Join(local.CheckKey(), local.Close(), os.Remove(filepath.Join(home, "onion", "pickup.key"))); err != nil {
		t.Error(err) // this program still has the right one
	}
	if local, err = admin.Open(h); err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	if err := local.CheckKey(); !errors.Is(err, admin.ErrOtherKey) {
		t.Errorf("another key: %v", err)
	}
	if _, err := local.ExportParcel(ctx, io.Discard, admin.Export{}); !errors.Is(err, admin.ErrOtherKey) {
		t.Errorf("a parcel signed with it: %v", err)
	}
	if problem(t, local, "vault.key is not what it was") == "" || problem(t, local, "onion/pickup.key is missing") == "" {
		t.Error("the status does not say which key files are others")
	}
}
