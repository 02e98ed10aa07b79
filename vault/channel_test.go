package vault_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"sourdine/vault"
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
	if _, err := v.AddMember(ctx, "Nice", vault.Member{Fingerprint: fingerprint("A")}); !errors.Is(err, vault.ErrExists) {
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
