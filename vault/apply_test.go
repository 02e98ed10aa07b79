package vault_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

func apply(t testing.TB, v *vault.Vault, fn func(*vault.Change) error) {
	t.Helper()
	if err := v.Apply(ctx, fn); err != nil {
		t.Fatalf("Apply: %v", err)
	}
}

// everything makes each kind of change.
func everything(deleted, kept vault.ID, mailbox vault.MailboxID) func(*vault.Change) error {
	return func(c *vault.Change) error {
		return errors.Join(
			c.PutOrder(order("x"), []byte("signed")),
			c.Acknowledge(kept, fingerprint("a")),
			c.Acknowledge(deleted, fingerprint("A")),
			c.MarkOpened(kept), c.MarkOpened(deleted),
			c.Reply(mailbox, []byte("reply")),
			c.Reenvelope(kept, []byte("new envelope"), 2),
			c.SetDesk(fingerprint("A"), vault.DeskState{Sequence: 7, Seen: 3, Applied: []byte("receipt")}),
			c.Delete(vault.Deletion{ID: deleted, Reason: translog.ByOrder, By: fingerprint("A"), Order: order("x")}),
		)
	}
}

func TestApply(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	mailbox := vault.MailboxID{1}
	if _, err := v.EnsureMailbox(ctx, mailbox, []byte("key")); err != nil {
		t.Fatal(err)
	}
	deleted, kept := submit(t, v, random(10), random(300_000)), submit(t, v, random(10))
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	oldSlot, _ := slotOf(t, path, kept)
	v = vaulttest.Open(t, path)
	apply(t, v, everything(deleted, kept, mailbox))
	gone(t, v, deleted)
	if n := pending(t, v); n != 3 {
		t.Errorf("%d leaves wait", n)
	}
	if !bytes.Equal(slotBytes(t, path, oldSlot), make([]byte, 128)) {
		t.Error("the key of the old envelope is still there")
	}
	check := func(v *vault.Vault) {
		envelope, err := v.Envelope(kept)
		if e, _ := v.Entry(kept); err != nil || string(envelope) != "new envelope" || e.Epoch != 2 || e.Channel != "Nice" {
			t.Errorf("the new envelope is %q, %v", envelope, err)
		}
		acks, err := v.Acknowledgements(kept)
		if err != nil || len(acks) != 1 || acks[0].By != translog.RecipientHash(fingerprint("A")) || len(acks[0].Day) != 10 {
			t.Errorf("acknowledged by %+v, %v", acks, err)
		}
		if acks, err := v.Acknowledgements(deleted); err != nil || len(acks) != 0 {
			t.Errorf("the deleted one is acknowledged by %+v, %v", acks, err)
		}
		if opened, err := v.Opened(kept); err != nil || !opened {
			t.Errorf("Opened: %v, %v", opened, err)
		}
		replies, more, err := v.Replies(mailbox, 5)
		if err != nil || more || len(replies) != 1 || string(replies[0]) != "reply" {
			t.Errorf("Replies: %q, %v", replies, err)
		}
		for letter, want := range map[string]bool{"reply": true, "repl": false, "other": false, "": false} {
			if has, err := v.HasReply(mailbox, []byte(letter)); err != nil || has != want {
				t.Errorf("HasReply %q: %v, %v", letter, has, err)
			}
		}
		state, ok, err := v.Desk(fingerprint("A"))
		if err != nil || !ok || state.Sequence != 7 || state.Seen != 3 || string(state.Applied) != "receipt" {
			t.Errorf("Desk: %+v, %v, %v", state, ok, err)
		}
		if signed, err := v.Order(order("x")); err != nil || string(signed) != "signed" {
			t.Errorf("Order: %q, %v", signed, err)
		}
	}
	check(v)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v = vaulttest.Open(t, path)
	check(v)
	if err := v.DropReplies(ctx, mailbox); err != nil {
		t.Fatal(err)
	}
	if replies, _, err := v.Replies(mailbox, 5); err != nil || len(replies) != 0 {
		t.Errorf("after dropping them: %q, %v", replies, err)
	}
}

// When fn fails nothing is changed, and no slot is lost.
func TestApplyIsWholeOrNothing(t *testing.T) {
	v := vaulttest.NewVault(t)
	mailbox := vault.MailboxID{1}
	if _, err := v.EnsureMailbox(ctx, mailbox, []byte("key")); err != nil {
		t.Fatal(err)
	}
	deleted, kept := submit(t, v, random(10)), submit(t, v, random(10))
	refused := errors.New("refused")
	for range 100 {
		err := v.Apply(ctx, func(c *vault.Change) error {
			if err := everything(deleted, kept, mailbox)(c); err != nil {
				t.Error(err)
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatalf("Apply: %v", err)
		}
	}
	if used := vault.UsedSlots(v); used != 2 {
		t.Errorf("%d slots are in use", used)
	}
	if _, err := v.Envelope(deleted); err != nil || pending(t, v) != 2 {
		t.Errorf("the deletion was made: %v, %d leaves", err, pending(t, v))
	}
	envelope, err := v.Envelope(kept)
	if err != nil || string(envelope) != "envelope" {
		t.Errorf("the envelope is %q, %v", envelope, err)
	}
	acks, _ := v.Acknowledgements(kept)
	opened, _ := v.Opened(kept)
	replies, _, _ := v.Replies(mailbox, 5)
	_, known, _ := v.Desk(fingerprint("A"))
	_, noOrder := v.Order(order("x"))
	if len(acks) > 0 || opened || len(replies) > 0 || known || !errors.Is(noOrder, vault.ErrNotFound) {
		t.Errorf("changed: %v, %v, %q, %v, %v", acks, opened, replies, known, noOrder)
	}
}

func TestChangeRefuses(t *testing.T) {
	v := vaulttest.NewVault(t)
	id := submit(t, v, random(10))
	nowhere := vault.NewID()
	apply(t, v, func(c *vault.Change) error {
		for name, err := range map[string]error{
			"Acknowledge": c.Acknowledge(nowhere, fingerprint("A")), "MarkOpened": c.MarkOpened(nowhere),
			"Delete": c.Delete(byRetention(nowhere)), "Reenvelope": c.Reenvelope(nowhere, []byte("e"), 1),
			"Reply": c.Reply(vault.MailboxID{9}, []byte("r")),
		} {
			if !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, err := range map[string]error{
			"an empty envelope": c.Reenvelope(id, nil, 1), "an order's name": c.PutOrder("x", []byte("o")), "an upper-case name": c.PutOrder("AB", []byte("o")),
			"an empty order": c.PutOrder(order("x"), nil), "a desk without name": c.SetDesk("", vault.DeskState{}), "an empty reply": c.Reply(vault.MailboxID{9}, nil),
		} {
			if err == nil {
				t.Errorf("%s was accepted", name)
			}
		}
		if _, ok := c.Desk(fingerprint("A")); ok || c.Acknowledged(id, fingerprint("A")) {
			t.Error("something is there that is not")
		}
		return nil
	})
	if envelope, err := v.Envelope(id); err != nil || string(envelope) != "envelope" {
		t.Errorf("the envelope is %q, %v", envelope, err)
	}
}

// Inside of one change a later step sees the earlier ones, while the vault shows
// the state before; the first acknowledgement's day stays.
func TestChangeSeesItself(t *testing.T) {
	v := vaulttest.NewVault(t)
	id := submit(t, v, random(10))
	apply(t, v, func(c *vault.Change) error {
		err := errors.Join(c.SetAcknowledged(id, fingerprint("A"), "2020-01-01"), c.Acknowledge(id, fingerprint("A")), c.SetDesk("F", vault.DeskState{Sequence: 1}))
		if state, ok := c.Desk("F"); !ok || state.Sequence != 1 || !c.Acknowledged(id, fingerprint("a")) {
			t.Errorf("%+v, %v", state, ok)
		}
		return err
	})
	if acks, err := v.Acknowledgements(id); err != nil || len(acks) != 1 || acks[0].Day != "2020-01-01" {
		t.Errorf("%+v, %v", acks, err)
	}
	apply(t, v, func(c *vault.Change) error {
		err := errors.Join(c.Reenvelope(id, []byte("2"), 2), c.Reenvelope(id, []byte("3"), 3), c.Delete(byRetention(id)))
		if envelope, before := v.Envelope(id); before != nil || string(envelope) != "envelope" {
			t.Errorf("the vault shows %q, %v", envelope, before)
		}
		if again := c.MarkOpened(id); !errors.Is(again, vault.ErrNotFound) {
			t.Errorf("a submission that the change deleted: %v", again)
		}
		return err
	})
	gone(t, v, id)
	if used := vault.UsedSlots(v); used != 0 {
		t.Errorf("%d slots are in use", used)
	}
}

func expired(t *testing.T, v *vault.Vault, today string) (ids []vault.ID, reasons []string) {
	t.Helper()
	for d, err := range v.Expired(today) {
		if err != nil {
			t.Fatalf("Expired: %v", err)
		}
		ids, reasons = append(ids, d.ID), append(reasons, d.Reason)
	}
	return ids, reasons
}

// on is a day that many days after today, UTC.
func on(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }

// Nothing expires before every reviewer of its epoch has it, but by a limit.
func TestExpired(t *testing.T) {
	v := vaulttest.NewVault(t)
	addChannel(t, v, "Nice", vault.Member{Fingerprint: fingerprint("A")}, vault.Member{Fingerprint: fingerprint("B")})
	d := v.NewDraft()
	write(t, d, 0, random(10))
	c := commitment()
	c.Epoch, c.Day = 2, "2026-01-31"
	id, err := d.Commit(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	ofNobody := submit(t, v, random(10)) // of epoch 1, 2026-11-21
	acknowledge := func(id vault.ID, of, day string) {
		apply(t, v, func(c *vault.Change) error { return c.SetAcknowledged(id, fingerprint(of), day) })
	}
	policy := func(p vault.Policy) {
		if err := v.SetPolicy(ctx, "Nice", p); err != nil {
			t.Fatal(err)
		}
	}
	want := func(today string, reasons ...string) {
		t.Helper()
		if _, got := expired(t, v, today); !slices.Equal(got, reasons) {
			t.Errorf("on %s: %q, want %q", today, got, reasons)
		}
	}
	want("2036-01-01")
	acknowledge(id, "A", on(1))
	want("2036-01-01")
	if all, err := v.AckedByAll(id); all || err != nil {
		t.Errorf("AckedByAll: %v, %v", all, err)
	}
	acknowledge(id, "B", on(40))
	if all, err := v.AckedByAll(id); !all || err != nil {
		t.Errorf("AckedByAll: %v, %v", all, err)
	}
	want(on(69))
	want(on(70), translog.ByRetention)
	policy(vault.Policy{Retention: 0, Limit: 60})
	want(on(60)) // since there is a limit: whoever sent something before was not told
	want(on(61), translog.ByLimit, translog.ByLimit)
	policy(vault.Policy{Retention: 1})
	want(on(40))
	want(on(41), translog.ByRetention)
	acknowledge(ofNobody, "A", on(50))
	want(on(51), translog.ByRetention, translog.ByRetention) // epoch 1 is A alone
	ids, _ := expired(t, v, on(50))
	if len(ids) != 1 || ids[0] != id {
		t.Errorf("%v", ids)
	}
	var deletions []vault.Deletion
	for d, err := range v.Expired("2090-01-01") {
		if err != nil {
			t.Fatal(err)
		}
		deletions = append(deletions, d)
	}
	if err := v.Delete(ctx, deletions); err != nil || count(t, v) != 0 {
		t.Errorf("deleting what expired: %v", err)
	}
	for _, err := range v.Expired("today") {
		t.Errorf("of an empty vault: %v", err)
	}
}
