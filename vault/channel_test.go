package vault_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sourdine/vault"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

func TestChannels(t *testing.T) {
	v := vaulttest.NewVault(t)
	for _, name := range []string{"Nice", "Saint-Étienne", "équipe nationale"} {
		if err := v.AddChannel(ctx, name); err != nil {
			t.Fatalf("AddChannel(%s): %v", name, err)
		}
	}
	if err := v.AddChannel(ctx, "Nice"); !errors.Is(err, vault.ErrExists) {
		t.Errorf("adding twice: %v", err)
	}
	for _, name := range []string{"", " Nice", "Nice ", "a\nb", "a\x00", "\u202eabc", "a\u00a0b", "a  b", strings.Repeat("a", 65), "\xff"} {
		if err := v.AddChannel(ctx, name); err == nil {
			t.Errorf("channel %q was accepted", name)
		}
	}
	rosters, err := v.Channels()
	if err != nil || len(rosters) != 3 || rosters[0].Channel != "Nice" || rosters[0].Epoch != 0 {
		t.Errorf("Channels = %+v, %v", rosters, err)
	}
}

func TestRosterGrowsByEpochs(t *testing.T) {
	v := vaulttest.NewVault(t)
	if err := v.AddChannel(ctx, "Nice"); err != nil {
		t.Fatal(err)
	}
	for i, of := range []string{fingerprint("A"), fingerprint("B")} {
		r, err := v.AddMember(ctx, "Nice", vault.Member{Fingerprint: of, Certificate: []byte{1}})
		if err != nil || r.Epoch != uint64(i+1) || len(r.Members) != i+1 {
			t.Fatalf("AddMember: %+v, %v", r, err)
		}
	}
	if _, err := v.AddMember(ctx, "Nice", vault.Member{Fingerprint: fingerprint("A"), Certificate: []byte{1}}); !errors.Is(err, vault.ErrExists) {
		t.Errorf("adding twice: %v", err)
	}
	if _, err := v.AddMember(ctx, "Lille", vault.Member{Fingerprint: fingerprint("A")}); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("unknown channel: %v", err)
	}
	r, err := v.Roster("Nice")
	if err != nil || r.Epoch != 2 || r.Members[1].Fingerprint != fingerprint("B") {
		t.Errorf("Roster = %+v, %v", r, err)
	}
}

// A renewed certificate takes the place of the older one, also of the only reviewer;
// what came without it stays.
func TestRenewedCertificate(t *testing.T) {
	v := vaulttest.NewVault(t)
	a := vault.Member{Name: "A", Fingerprint: fingerprint("A"), Certificate: []byte{1}, ClientKey: "key"}
	addChannel(t, v, "Nice", a)
	r, err := v.AddMember(ctx, "Nice", vault.Member{Fingerprint: a.Fingerprint, Certificate: []byte{2}})
	if err != nil || r.Epoch != 2 || len(r.Members) != 1 || r.Members[0].Name != "A" || r.Members[0].ClientKey != "key" || r.Members[0].Certificate[0] != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, before, err := v.RosterAt("Nice", 1); err != nil || before.Members[0].Certificate[0] != 1 {
		t.Errorf("the roster before: %+v, %v", before, err)
	}
}

// Who is removed is on every older roster, and on no newer one until added again.
func TestRemoveMember(t *testing.T) {
	v := vaulttest.NewVault(t)
	a, b := vault.Member{Name: "A", Fingerprint: fingerprint("A"), Certificate: random(9)}, vault.Member{Fingerprint: fingerprint("B")}
	addChannel(t, v, "Nice", a, b)
	version := v.RostersVersion()
	r, err := v.RemoveMember(ctx, "Nice", a.Fingerprint)
	if err != nil || r.Epoch != 3 || len(r.Members) != 1 || r.Members[0].Fingerprint != b.Fingerprint || v.RostersVersion() == version {
		t.Fatalf("%+v, %v", r, err)
	}
	for name, c := range map[string]struct {
		channel, fingerprint string
		want                 error
	}{
		"twice": {"Nice", a.Fingerprint, vault.ErrNotFound}, "unknown": {"Nice", fingerprint("C"), vault.ErrNotFound}, "nothing": {"Nice", "", vault.ErrNotFound},
		"no such channel": {"Lille", b.Fingerprint, vault.ErrNotFound}, "the only one": {"Nice", b.Fingerprint, vault.ErrLastReviewer},
	} {
		if r, err := v.RemoveMember(ctx, c.channel, c.fingerprint); !errors.Is(err, c.want) || r.Members != nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, before, err := v.RosterAt("Nice", 2); err != nil || len(before.Members) != 2 || !bytes.Equal(before.Members[0].Certificate, a.Certificate) {
		t.Errorf("the roster before: %+v, %v", before, err)
	}
	if r, err := v.AddMember(ctx, "Nice", a); err != nil || r.Epoch != 4 || len(r.Members) != 2 {
		t.Errorf("added again: %+v, %v", r, err)
	}
	batch(t, v)
	epochs := 0
	for _, leaf := range leaves(t, v) {
		if roster := leaf.(translog.Roster); roster.Epoch == 3 && len(roster.Members) == 1 && roster.Members[0].Fingerprint == b.Fingerprint {
			epochs++
		}
	}
	if size := batch(t, v); size != 5 || epochs != 1 {
		t.Errorf("the log has %d leaves, and %d of the removal", size, epochs)
	}
}

// Of reviewers who are all removed at once, one stays.
func TestRemoveMembersAtOnce(t *testing.T) {
	v := vaulttest.NewVault(t)
	digits := []string{"A", "B", "C", "D", "E"}
	addChannel(t, v, "Nice")
	for _, d := range digits {
		if _, err := v.AddMember(ctx, "Nice", vault.Member{Fingerprint: fingerprint(d)}); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	var kept atomic.Int32
	for _, d := range digits {
		all.Go(func() {
			switch _, err := v.RemoveMember(ctx, "Nice", fingerprint(d)); {
			case errors.Is(err, vault.ErrLastReviewer):
				kept.Add(1)
			case err != nil:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if r, err := v.Roster("Nice"); err != nil || len(r.Members) != 1 || kept.Load() != 1 || r.Epoch != 9 {
		t.Errorf("%+v, %v; %d were refused", r, err, kept.Load())
	}
}

func TestMailboxKeepsItsFirstKey(t *testing.T) {
	v := vaulttest.NewVault(t)
	id := vault.MailboxID{1}
	if _, err := v.MailboxKey(id); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("MailboxKey: %v", err)
	}
	keys := make([]string, 20)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			locked, err := v.EnsureMailbox(ctx, id, []byte{byte(i + 1)})
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(locked)
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k != keys[0] {
			t.Fatalf("two submissions were given different keys: %q", keys)
		}
	}
	d := v.NewDraft()
	write(t, d, 0, []byte("x"))
	c := commitment()
	c.Receipt = &vault.Receipt{Mailbox: id, Sealed: []byte("sealed")}
	if _, err := d.Commit(ctx, c); err != nil {
		t.Fatal(err)
	}
	locked, err := v.MailboxKey(id)
	if err != nil || string(locked) != keys[0] {
		t.Errorf("MailboxKey = %q, %v", locked, err)
	}
	receipts, more, err := v.Receipts(id, 1)
	if err != nil || more || len(receipts) != 1 || string(receipts[0]) != "sealed" {
		t.Errorf("Receipts = %q, %v, %v", receipts, more, err)
	}
	if receipts, more, err := v.Receipts(id, 0); err != nil || !more || len(receipts) != 0 {
		t.Errorf("Receipts of none = %q, %v, %v", receipts, more, err)
	}
}

// fingerprint is one that the log takes.
func fingerprint(digit string) string { return strings.Repeat(digit, 40) }
