package desk_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// A forgetful server: a desk whose last return parcel leaves nothing in the log.
type forgetful struct {
	d           *desk.Desk
	home        string
	certificate []byte
	v           *desktest.Vault
	before      string // acknowledged before the backup
	id          string
	box         vault.MailboxID
	second      vaulttest.Key // of a reviewer who joined, and cannot read it yet
	backup      []byte
	last        uint64 // return parcel of which the backup knows
}

// newForgetful backs up when the desk has seen everything, and done nothing but, if
// so asked, to acknowledge something.
func newForgetful(t *testing.T, acknowledged bool) *forgetful {
	t.Helper()
	x := &forgetful{v: desktest.NewVault(t)}
	x.d, x.home = openNew(t)
	x.certificate = desktest.Certificate(t, x.home)
	if acknowledged {
		x.before = x.v.Submit(x.certificate, "avant")
		news(t, x.d, x.v)
		returned(t, x.d, x.v)
		x.last = 1
	}
	x.id, _, x.box = mailboxed(t, x.v, x.certificate, "une question")
	x.second = vaulttest.NewKey(t, vaulttest.X25519)
	joins(t, x.v, "second", x.second.Certificate(t))
	news(t, x.d, x.v)
	x.backup = x.v.Backup()
	return x
}

// answers makes a return parcel that acknowledges, replies and renews.
func (x *forgetful) answers(t *testing.T, acknowledged int) []byte {
	t.Helper()
	renew(t, x.d, 1+int(x.last))
	_, err := x.d.Reply(t.Context(), x.id, "Merci.")
	must(t, err)
	must(t, x.d.MarkOpened(t.Context(), x.id))
	p, raw := prepare(t, x.d)
	if p.Sequence != x.last+1 || p.Acknowledged != acknowledged || p.Opened != 1 || p.Replies != 1 || p.Envelopes != 1+int(x.last) {
		t.Fatalf("prepared %+v", p)
	}
	return raw
}

// saysAgain wants the next return parcel to have it all, and a server that had
// nothing of it to do everything once.
func (x *forgetful) saysAgain(t *testing.T, v *desktest.Vault, sequence uint64, acknowledged int) {
	t.Helper()
	p, raw := prepare(t, x.d)
	if p.Again || p.Sequence != sequence || p.Acknowledged != acknowledged || p.Opened != 1 || p.Replies != 1 || p.Envelopes != 1+int(x.last) {
		t.Fatalf("prepared %+v", p)
	}
	done := apply(t, v, raw)
	if done.Refused != 0 || done.Acknowledged != acknowledged || done.Opened != 1 || done.Replies != 1 || done.Envelopes != 1+int(x.last) {
		t.Errorf("the server did %+v", done)
	}
	x.hasOnce(t, v)
	if report := news(t, x.d, v); report.Found() || report.Receipt == nil || report.Receipt.Sequence != sequence || len(report.Again) != 0 {
		t.Errorf("report %+v", report)
	}
	x.isDone(t)
}

// isDone: nothing is left to say, at most that the log grew.
func (x *forgetful) isDone(t *testing.T) {
	t.Helper()
	out, err := x.d.Outgoing(t.Context())
	if err != nil || out.Pending != nil || out.Acknowledged+out.Opened+out.Replies+out.Envelopes+out.Stale+len(out.Deletions) != 0 || len(queued(t, x.home)) != 0 {
		t.Errorf("outgoing %+v, %v", out, err)
	}
	noRenewal(t, x.d)
	if replies, err := x.d.RepliesTo(x.id); err != nil || len(replies) != 1 || replies[0].State != desk.StateDone {
		t.Errorf("the reply is %+v, %v", replies, err)
	}
	if a, err := x.d.Audit(t.Context()); err != nil || !a.Sound() {
		t.Errorf("audit %+v, %v", a, err)
	}
}

func (x *forgetful) hasOnce(t *testing.T, v *desktest.Vault) {
	t.Helper()
	parsed, err := vault.ParseID(x.id)
	must(t, err)
	replies, err := v.Store().CountReplies(x.box)
	acks, err2 := v.Store().Acknowledgements(parsed)
	if err != nil || err2 != nil || replies != 1 || len(acks) != 1 {
		t.Errorf("%d replies, %d acknowledgements, %v, %v", replies, len(acks), err, err2)
	}
	e, envelope := stored(t, v, x.id)
	if e.Epoch < 2 {
		t.Errorf("epoch %d", e.Epoch)
	}
	sessionKey(t, envelope, x.second)
}

// A server that was restored has lost what leaves nothing in the log: its log is
// what the desk saw, or longer, and contradicts nothing. All of it is said again,
// once, whatever the desk knows of its last return parcel.
func TestForgottenInSilence(t *testing.T) {
	for what, c := range map[string]struct {
		acknowledged bool // before the backup
		more         int  // submissions that the desk gets with the restored log
		lose         func(t *testing.T, x *forgetful)
	}{
		"nothing but the desk's answer, and it was answered": {false, 0, func(t *testing.T, x *forgetful) {
			apply(t, x.v, x.answers(t, 1))
			news(t, x.d, x.v)
			noRenewal(t, x.d)
		}},
		"the same after an earlier one": {true, 0, func(t *testing.T, x *forgetful) {
			apply(t, x.v, x.answers(t, 1))
			news(t, x.d, x.v)
		}},
		"it was on its way":     {true, 0, func(t *testing.T, x *forgetful) { x.answers(t, 1) }},
		"it came, nobody heard": {true, 0, func(t *testing.T, x *forgetful) { apply(t, x.v, x.answers(t, 1)) }},
		"a longer log": {true, 1, func(t *testing.T, x *forgetful) {
			raw := x.answers(t, 1)
			x.v.Submit(x.certificateOf(t, "Paris"), "plus tard")
			x.v.Pack(parcel.Request{}) // what is pending joins the log
			x.backup = x.v.Backup()
			apply(t, x.v, raw)
		}},
		"a longer log, and an answer with what the desk had seen": {true, 1, func(t *testing.T, x *forgetful) {
			head, err := x.d.LogHead()
			must(t, err)
			raw := x.answers(t, 1)
			x.v.Submit(x.certificateOf(t, "Paris"), "plus tard")
			x.v.Pack(parcel.Request{})
			x.backup = x.v.Backup()
			apply(t, x.v, raw)
			if report := importParcel(t, x.d, x.v.Pack(parcel.Request{Reviewer: x.d.Fingerprint(), Size: head.Size})); report.Receipt == nil {
				t.Fatalf("report %+v", report)
			}
		}},
	} {
		t.Run(what, func(t *testing.T) {
			x := newForgetful(t, c.acknowledged)
			c.lose(t, x)
			restored, _ := x.v.Restore(x.backup)
			report := news(t, x.d, restored)
			if report.Found() || len(report.New) != c.more || len(report.Again) != 0 || !hasRestoration(report) {
				t.Errorf("report %+v", report)
			}
			f, err := x.d.Findings()
			if err != nil || f.Generation != 0 || len(f.Parcels) != 0 {
				t.Errorf("findings %+v, %v", f, err)
			}
			x.saysAgain(t, restored, x.last+2, 1+c.more)
		})
	}
}

// certificateOf is the desk's reviewer's, who reads another channel alone.
func (x *forgetful) certificateOf(t *testing.T, channel string) []byte {
	t.Helper()
	x.v.Channel = channel
	return x.certificate
}

func hasRestoration(r desk.Report) bool {
	return slices.ContainsFunc(r.Events, func(e witness.Event) bool { return e.Kind == witness.ServerRestored })
}

// Restored again and again: seen one by one, or both in one parcel.
func TestForgottenTwice(t *testing.T) {
	for _, seen := range []bool{true, false} {
		x := newForgetful(t, true)
		apply(t, x.v, x.answers(t, 1))
		news(t, x.d, x.v)
		once, _ := x.v.Restore(x.backup)
		again := once.Backup()
		sequence := uint64(3)
		if seen {
			news(t, x.d, once)
			x.saysAgain(t, once, sequence, 1)
			sequence++
		}
		twice, _ := once.Restore(again)
		news(t, x.d, twice)
		x.saysAgain(t, twice, sequence, 1)
	}
}

// A backup of the server as it is after it was told again knows of that: only what
// came later is said once more. One of the server as it was before knows what the
// desk takes for void.
func TestForgottenFromAnotherBackup(t *testing.T) {
	x := newForgetful(t, true)
	apply(t, x.v, x.answers(t, 1))
	news(t, x.d, x.v)
	told := x.v.Backup()
	once, _ := x.v.Restore(x.backup)
	news(t, x.d, once)
	x.saysAgain(t, once, 3, 1)
	later := once.Backup()
	must(t, x.d.MarkOpened(t.Context(), x.before))
	opensAgain := func(v *desktest.Vault, sequence uint64) {
		t.Helper()
		p, raw := prepare(t, x.d)
		if p.Sequence != sequence || p.Opened != 1 || p.Acknowledged+p.Replies+p.Envelopes != 0 {
			t.Errorf("prepared %d: %d, %d, %d, %d", p.Sequence, p.Opened, p.Acknowledged, p.Replies, p.Envelopes)
		}
		if done := apply(t, v, raw); done.Refused != 0 {
			t.Errorf("the server did %+v", done)
		}
		news(t, x.d, v)
		x.isDone(t)
		x.hasOnce(t, v)
	}
	opensAgain(once, 4)
	twice, _ := once.Restore(later)
	news(t, x.d, twice)
	opensAgain(twice, 5)
	first, leaf := x.v.Restore(told) // which contradicts what the desk has seen
	news(t, x.d, first)
	accept(t, x.d, leaf, "en")
	news(t, x.d, first)
	opensAgain(first, 6)
}

// The restoration comes with a parcel for another reviewer, which does not say what
// the server remembers: nothing is void, and nothing signed, before one does. Whether
// the log contradicts the desk's does not matter.
func TestForgottenToldToAnother(t *testing.T) {
	for _, contradicts := range []bool{false, true} {
		for _, forAll := range []bool{false, true} {
			x := newForgetful(t, true)
			apply(t, x.v, x.answers(t, 1))
			if contradicts {
				x.v.Submit(x.certificateOf(t, "Paris"), "perdue")
			}
			news(t, x.d, x.v)
			restored, leaf := x.v.Restore(x.backup)
			theirs := restored.Pack(parcel.Request{Reviewer: fingerprintOf(x.second)})
			if contradicts {
				importParcel(t, x.d, theirs)
				accept(t, x.d, leaf, "fr")
			}
			if report := importParcel(t, x.d, theirs); !hasRestoration(report) || len(report.Again) != 0 {
				t.Errorf("report %+v", report)
			}
			for range 2 {
				if _, err := x.d.PrepareReturn(t.Context(), []byte(desktest.Passphrase)); !errors.Is(err, desk.ErrUnheard) {
					t.Fatalf("signing before the server said what it remembers: %v", err)
				}
				x.d = desktest.Open(t, x.home)
			}
			if out, err := x.d.Outgoing(t.Context()); err != nil || out.Pending != nil || out.Replies+out.Envelopes != 0 {
				t.Errorf("outgoing %+v, %v", out, err)
			}
			noRenewal(t, x.d)
			importParcel(t, x.d, x.v.Parcel()) // an old one: it says nothing of the restored server
			if _, err := x.d.PrepareReturn(t.Context(), []byte(desktest.Passphrase)); !errors.Is(err, desk.ErrUnheard) {
				t.Errorf("after an old parcel: %v", err)
			}
			if forAll {
				importParcel(t, x.d, restored.Parcel())
			}
			news(t, x.d, restored)
			x.saysAgain(t, restored, 3, 1)
		}
	}
}

// The last return parcel was on its way when the other desk's parcel told of the
// restoration; and a server that has no receipt at all, told by a parcel for all.
func TestForgottenOnItsWay(t *testing.T) {
	x := newForgetful(t, false)
	raw := x.answers(t, 1)
	restored, _ := x.v.Restore(x.backup)
	importParcel(t, x.d, restored.Pack(parcel.Request{Reviewer: fingerprintOf(x.second)}))
	if out, err := x.d.Outgoing(t.Context()); err != nil || out.Pending == nil {
		t.Errorf("outgoing %+v, %v", out, err)
	}
	importParcel(t, x.d, restored.Parcel())
	if out, err := x.d.Outgoing(t.Context()); err != nil || out.Pending != nil || out.Replies != 1 || out.Envelopes != 1 {
		t.Errorf("outgoing %+v, %v", out, err)
	}
	x.saysAgain(t, restored, 2, 1)
	if _, err := restored.Apply(raw); err == nil {
		t.Error("the server took the void one after it")
	}
	x.hasOnce(t, restored)
}

// What is void came all the same, before what says it again: told in between or not,
// the source has one reply.
func TestForgottenAndCame(t *testing.T) {
	for _, told := range []bool{false, true} {
		x := newForgetful(t, true)
		raw := x.answers(t, 1)
		restored, _ := x.v.Restore(x.backup)
		news(t, x.d, restored)
		if told {
			apply(t, restored, raw)
			news(t, x.d, restored)
			x.isDone(t)
		}
		p, again := prepare(t, x.d)
		if p.Sequence != 3 || !told && p.Replies != 1 || told && p.Replies+p.Acknowledged+p.Envelopes != 0 {
			t.Errorf("prepared %+v", p)
		}
		if !told {
			apply(t, restored, raw)
		}
		done := apply(t, restored, again)
		other := func(r order.Refusal) bool { return r.Reason != order.ReasonRenewed } // than that it has it
		if slices.ContainsFunc(done.Refusals, other) || done.Replies != p.Replies {
			t.Errorf("the server did %+v", done)
		}
		x.hasOnce(t, restored)
		news(t, x.d, restored)
		x.isDone(t)
	}
}

// A kill between the commit of the log and the end: nothing is signed before the
// parcel was taken in again, and then all of it is, once.
func TestForgottenAndKilled(t *testing.T) {
	for what, queuedBefore := range map[string]int{"before anything was queued": 0, "in the middle": 1, "when all was queued": 2} {
		x := newForgetful(t, true)
		apply(t, x.v, x.answers(t, 1))
		news(t, x.d, x.v)
		restored, _ := x.v.Restore(x.backup)
		p := restored.Pack(parcel.Request{Reviewer: x.d.Fingerprint()})
		importParcel(t, x.d, p)
		must(t, os.Remove(filepath.Join(x.home, "returns", "restored-1.json")))
		for _, path := range queued(t, x.home)[queuedBefore:] {
			must(t, os.Remove(path))
		}
		x.d = desktest.Open(t, x.home)
		if _, err := x.d.PrepareReturn(t.Context(), []byte(desktest.Passphrase)); !errors.Is(err, desk.ErrUnheard) {
			t.Errorf("%s: %v", what, err)
		}
		importParcel(t, x.d, p)
		importParcel(t, x.d, p) // again, it changes nothing
		x.saysAgain(t, restored, 3, 1)
	}
}

// A receipt that is bad does not say that the server remembers nothing.
func TestForgottenBadReceipt(t *testing.T) {
	x := newForgetful(t, true)
	apply(t, x.v, x.answers(t, 1))
	news(t, x.d, x.v)
	restored, _ := x.v.Restore(x.backup)
	importParcel(t, x.d, restored.Forge(restored.Pack(parcel.Request{Reviewer: x.d.Fingerprint()}), func(f *desktest.Forgery) {
		f.Files["applied/"+x.d.Fingerprint()+".note"] = []byte("sourdine/applied/v1\n")
	}))
	if _, err := x.d.PrepareReturn(t.Context(), []byte(desktest.Passphrase)); !errors.Is(err, desk.ErrUnheard) {
		t.Errorf("after a bad receipt: %v", err)
	}
	news(t, x.d, restored)
	x.saysAgain(t, restored, 3, 1)
}

// Who comes to a server that was restored long ago has nothing to say again.
func TestForgottenBeforeTheDesk(t *testing.T) {
	old := desktest.NewVault(t)
	v, _ := old.Restore(old.Backup())
	d, home := openNew(t)
	v.Submit(desktest.Certificate(t, home), "un")
	for range 2 {
		if report := news(t, d, v); report.Found() {
			t.Errorf("report %+v", report)
		}
	}
	if done, _ := returned(t, d, v); done.Acknowledged != 1 {
		t.Errorf("the server did %+v", done)
	}
	if _, err := d.PrepareReturn(t.Context(), []byte(desktest.Passphrase)); !errors.Is(err, desk.ErrNothingToReturn) {
		t.Errorf("nothing to tell: %v", err)
	}
}
