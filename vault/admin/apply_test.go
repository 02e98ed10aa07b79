package admin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// Everything that an order can hold is done, and each thing can be seen.
func TestApply(t *testing.T) {
	alice, _ := newDesks(t)
	v := alice.local.Vault()
	read, gone, kept := alice.commit("Nice"), alice.commit("Nice"), alice.commit("Paris")
	mailbox, name := alice.mailbox(1)
	newcomer := vaulttest.NewKey(t, vaulttest.X25519)
	roster, err := v.AddMember(ctx, "Nice", vault.Member{Name: "C", Fingerprint: strings.Repeat("CD", 32), Certificate: newcomer.Certificate(t)})
	if err != nil {
		t.Fatal(err)
	}
	o, files := alice.next(), map[string][]byte{}
	o.Acknowledged = order.IDs{read, gone, kept}
	o.Opened = order.IDs{read}
	letter := alice.message()
	reply(o, name, letter, files)
	envelope := alice.envelope("Nice")
	reenvelope(o, read, roster.Epoch, envelope, files)

	receipt := alice.apply(o, files, deletion(gone, "Nice"))
	want := order.Done{Acknowledged: 3, Opened: 1, Deleted: 1, Replies: 1, Envelopes: 1}
	if !reflect.DeepEqual(receipt.Note.Done, want) || receipt.Again || receipt.Note.Sequence != 1 {
		t.Fatalf("%+v", receipt)
	}
	if acks, err := v.Acknowledgements(parseID(t, read)); err != nil || len(acks) != 1 || acks[0].By != translog.RecipientHash(alice.fingerprint()) {
		t.Errorf("acknowledgements %v, %v", acks, err)
	}
	if opened, err := v.Opened(parseID(t, read)); err != nil || !opened {
		t.Errorf("opened: %v, %v", opened, err)
	}
	if _, err := v.Entry(parseID(t, gone)); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("the deleted one: %v", err)
	}
	if sealed, _, err := v.Replies(mailbox, 10); err != nil || len(sealed) != 1 || !bytes.Equal(sealed[0], letter) {
		t.Errorf("%d replies, %v", len(sealed), err)
	}
	stored, err := v.Envelope(parseID(t, read))
	if err != nil || !bytes.Equal(stored, envelope) {
		t.Errorf("the envelope: %v", err)
	}
	if e, err := v.Entry(parseID(t, read)); err != nil || e.Epoch != roster.Epoch {
		t.Errorf("epoch %d, %v", e.Epoch, err)
	}
	if state := alice.state(); state.Sequence != 1 || state.Seen != o.Seen {
		t.Errorf("%+v", state)
	}
	alice.checkProof(t, gone)
}

// logFiles are the files before the submissions in the desk's next parcel.
func (d *desk) logFiles(t *testing.T) map[string]string {
	t.Helper()
	var b bytes.Buffer
	if _, err := d.local.ExportParcel(ctx, &b, admin.Export{Reviewer: d.fingerprint()}); err != nil {
		t.Fatal(err)
	}
	r, err := parcel.Open(&b, func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for range r.Index().Files {
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	return files
}

// checkProof: the next parcel has the receipt, and what any desk needs to check
// the deletion.
func (d *desk) checkProof(t *testing.T, deleted string) {
	t.Helper()
	files := d.logFiles(t)
	note, err := order.OpenApplied([]byte(files["applied/"+d.fingerprint()+".note"]), d.vaultKey)
	if err != nil || note.Done.Deleted != 1 {
		t.Errorf("the receipt: %+v, %v", note, err)
	}
	for line := range strings.Lines(files["leaves.jsonl"]) {
		leaf, err := translog.Decode([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		deletion, ok := leaf.(translog.Deletion)
		if !ok {
			continue
		}
		raw, signature, _ := strings.Cut(files["orders/"+deletion.Order+".txt"], "\n")
		ordered, err := order.VerifyDeletions([]byte(raw), []byte(signature), d.key.Certificate(t), time.Now())
		if err != nil || digest([]byte(raw)) != deletion.Order || deletion.ID != deleted || deletion.By != d.fingerprint() || ordered.List[0].ID != deleted {
			t.Errorf("%+v: %v", deletion, err)
		}
		return
	}
	t.Error("the log says nothing of the deletion")
}

// A parcel counts once, and only in its turn.
func TestApplyInSequence(t *testing.T) {
	alice, _ := newDesks(t)
	first, second := alice.commit("Nice"), alice.commit("Nice")
	deleting := func(id string) []byte {
		return alice.pack(alice.next(), nil, deletion(id, "Nice"))
	}
	one, two := deleting(first), deleting(second)
	alice.sequence = 0
	another := deleting(second)
	try := func(name string, p []byte, wantAgain bool, want string) {
		t.Helper()
		before := alice.state()
		receipt, err := alice.local.ApplyParcel(ctx, bytes.NewReader(p))
		if want != "" {
			if err == nil || err.Error() != want || !errors.Is(err, admin.ErrRefused) || !reflect.DeepEqual(alice.state(), before) {
				t.Errorf("%s: %+v, %v", name, receipt, err)
			}
			return
		}
		if err != nil || receipt.Again != wantAgain || receipt.Note.Done.Deleted != 1 || receipt.Note.Done.Refused != 0 {
			t.Errorf("%s: %+v, %v", name, receipt, err)
		}
		if wantAgain && !reflect.DeepEqual(alice.state(), before) {
			t.Errorf("%s changed something", name)
		}
	}
	try("too early", two, false, "refused: a return parcel of this desk is missing: this one has number 2, and number 1 is expected")
	try("the first", one, false, "")
	try("the same again", one, true, "")
	try("another one of the same number", another, false, "refused: another return parcel had number 1 already: number 2 is expected")
	try("the second", two, false, "")
	try("the same again", two, true, "")
	try("an older one", one, false, "refused: the return parcel is an older one: it has number 1, and number 3 is expected")
}

// Two that bring the same parcel at the same moment: it is applied once.
func TestApplyAtOnce(t *testing.T) {
	alice, _ := newDesks(t)
	mailbox, name := alice.mailbox(1)
	o, files := alice.next(), map[string][]byte{}
	reply(o, name, alice.message(), files)
	p := alice.pack(o, files)
	var again [6]bool
	var wg sync.WaitGroup
	for i := range again {
		wg.Go(func() {
			receipt, err := alice.local.ApplyParcel(ctx, bytes.NewReader(p))
			if err != nil || receipt.Note.Done.Replies != 1 {
				t.Errorf("%+v, %v", receipt, err)
			}
			again[i] = receipt.Again
		})
	}
	wg.Wait()
	if n, err := alice.local.Vault().CountReplies(mailbox); err != nil || n != 1 {
		t.Errorf("%d replies, %v", n, err)
	}
	if first := slices.DeleteFunc(again[:], func(b bool) bool { return b }); len(first) != 1 {
		t.Errorf("applied %d times", len(first))
	}
}

// Whatever is wrong with the whole, nothing of it is done.
func TestApplyRefusesTheWhole(t *testing.T) {
	alice, bob := newDesks(t)
	id := alice.commit("Nice")
	o := alice.next()
	good := alice.pack(o, nil, deletion(id, "Nice"))
	otherServer := *o
	_, otherServer.VaultKey, _ = parcel.NewVaultKey()
	otherServer.Seen, otherServer.Checkpoint = 0, ""
	stranger := *alice
	stranger.key = vaulttest.NewKey(t, vaulttest.X25519)
	strange := *o
	strange.Reviewer = stranger.fingerprint()
	errStick := errors.New("the stick was pulled")
	for name, c := range map[string]struct {
		r    io.Reader
		want error
	}{
		"nothing":             {bytes.NewReader(nil), admin.ErrRefused},
		"noise":               {bytes.NewReader(make([]byte, 10_000)), admin.ErrRefused},
		"another server":      {bytes.NewReader(alice.pack(&otherServer, nil)), order.ErrOtherVault},
		"a stranger":          {bytes.NewReader(stranger.pack(&strange, nil)), admin.ErrStranger},
		"another's signature": {bytes.NewReader(alice.packSignedAs(o, bob, bob.next())), order.ErrOtherKey},
		"another order's":     {bytes.NewReader(alice.packSignedAs(o, alice, &order.Return{VaultKey: o.VaultKey, Reviewer: o.Reviewer, Sequence: 1})), order.ErrAltered},
		"cut off":             {bytes.NewReader(good[:len(good)-1]), parcel.ErrReturnTruncated},
		"cut in the middle":   {bytes.NewReader(good[:700]), parcel.ErrReturnTruncated},
		"something behind":    {bytes.NewReader(append(slices.Clone(good), 0)), parcel.ErrReturnAltered},
		"a broken stick":      {io.MultiReader(bytes.NewReader(good[:700]), iotest.ErrReader(errStick)), errStick},
	} {
		receipt, err := alice.local.ApplyParcel(ctx, c.r)
		if !errors.Is(err, c.want) || c.want != errStick && !errors.Is(err, admin.ErrRefused) || c.want == errStick && errors.Is(err, admin.ErrRefused) {
			t.Errorf("%s: %+v, %v", name, receipt, err)
		}
		t.Logf("%s: %v", name, err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		flipped := slices.Clone(good)
		at := random.IntN(len(flipped))
		flipped[at] ^= 1 << random.IntN(8)
		if _, err := alice.local.ApplyParcel(ctx, bytes.NewReader(flipped)); !errors.Is(err, admin.ErrRefused) {
			t.Fatalf("byte %d was altered: %v", at, err)
		}
	}
	if _, err := alice.local.Vault().Entry(parseID(t, id)); err != nil || alice.state().Sequence != 0 {
		t.Errorf("something was done: %v, %+v", err, alice.state())
	}
	if receipt := alice.apply(o, nil, deletion(id, "Nice")); receipt.Note.Done.Deleted != 1 {
		t.Errorf("the good one: %+v", receipt)
	}
}

// What a reviewer may not do is refused alone, with its reason.
func TestApplyRefusesPieces(t *testing.T) {
	alice, bob := newDesks(t)
	v := alice.local.Vault()
	nice, paris, gone := alice.commit("Nice"), bob.commit("Paris"), bob.commit("Paris")
	if err := v.Delete(ctx, []vault.Deletion{{ID: parseID(t, gone), Reason: translog.ByLimit}}); err != nil {
		t.Fatal(err)
	}
	const never = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	mailbox, name := bob.mailbox(1)
	for range 49 {
		if err := v.Apply(ctx, func(c *vault.Change) error { return c.Reply(mailbox, []byte("old")) }); err != nil {
			t.Fatal(err)
		}
	}
	o, files := bob.next(), map[string][]byte{}
	o.Acknowledged = order.IDs{nice, paris, gone, never}
	o.Opened = order.IDs{nice, paris}
	reply(o, name, bob.message(), files)
	reply(o, name, bob.message(), files) // one too many
	reply(o, strings.Repeat("0A", 32), bob.message(), files)
	reply(o, name, []byte("no OpenPGP"), files)
	reply(o, name, append(bob.message(), 0), files)
	reenvelope(o, nice, 1, bob.envelope("Nice"), files)
	misplaced := []order.Deletion{deletion(paris, "Nice"), deletion(nice, "Nice")}
	receipt := bob.apply(o, files, misplaced...)
	refused := map[string]order.Reason{}
	for _, r := range receipt.Note.Done.Refusals {
		refused[string(r.List)+" "+r.ID] = r.Reason
	}
	want := map[string]order.Reason{
		"acknowledged " + nice: order.ReasonRole, "acknowledged " + gone: order.ReasonDeleted, "acknowledged " + never: order.ReasonUnknown,
		"opened " + nice: order.ReasonRole, "deletions " + nice: order.ReasonRole, "deletions " + paris: order.ReasonChannel,
		"replies 2": order.ReasonFull, "replies 3": order.ReasonUnknown, "replies 4": order.ReasonForm, "replies 5": order.ReasonForm,
		"envelopes " + nice: order.ReasonRole,
	}
	if !reflect.DeepEqual(refused, want) {
		t.Errorf("refused %v,\nwant %v", refused, want)
	}
	if d := receipt.Note.Done; d.Acknowledged != 1 || d.Opened != 1 || d.Deleted != 0 || d.Replies != 1 || d.Envelopes != 0 || d.Refused != len(want) {
		t.Errorf("%+v", d)
	}
	for _, id := range []string{nice, paris} {
		if _, err := v.Entry(parseID(t, id)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if signed, err := o.Sign(misplaced, bob.key.Entity, time.Now()); err != nil {
		t.Error(err)
	} else if _, err := v.Order(digest(signed.Deletions)); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("an order that deleted nothing is kept: %v", err)
	}
}

// A new envelope is for the channel's current roster, all of it and nobody else.
func TestApplyEnvelopes(t *testing.T) {
	alice, bob := newDesks(t)
	v := alice.local.Vault()
	ids := []string{alice.commit("Paris"), alice.commit("Paris"), alice.commit("Paris"), alice.commit("Paris"), alice.commit("Paris"), alice.commit("Paris")}
	slices.Sort(ids)
	old := alice.envelope("Paris")
	before, err := v.Roster("Paris")
	if err != nil {
		t.Fatal(err)
	}
	carol := &desk{t: t, local: alice.local, key: vaulttest.NewKey(t, vaulttest.PostQuantum)}
	roster, err := v.AddMember(ctx, "Paris", vault.Member{Fingerprint: carol.fingerprint(), Certificate: carol.key.Certificate(t)})
	if err != nil {
		t.Fatal(err)
	}
	now := alice.envelope("Paris")
	o, files := bob.next(), map[string][]byte{}
	reenvelope(o, ids[0], before.Epoch, old, files)
	reenvelope(o, ids[1], roster.Epoch, old, files) // without Carol
	reenvelope(o, ids[2], roster.Epoch, append(slices.Clone(now), alice.envelope("Nice")...), files)
	reenvelope(o, ids[3], roster.Epoch, bob.message(), files)
	reenvelope(o, ids[4], roster.Epoch, now[:len(now)-1], files)
	reenvelope(o, ids[5], roster.Epoch, now, files)
	receipt := bob.apply(o, files)
	got := map[string]order.Reason{}
	for _, r := range receipt.Note.Done.Refusals {
		got[r.ID] = r.Reason
	}
	want := map[string]order.Reason{ids[0]: order.ReasonEpoch, ids[1]: order.ReasonRecipients, ids[2]: order.ReasonRecipients, ids[3]: order.ReasonForm, ids[4]: order.ReasonForm}
	if !reflect.DeepEqual(got, want) || receipt.Note.Done.Envelopes != 1 {
		t.Errorf("refused %v, want %v; %+v", got, want, receipt.Note.Done)
	}

	// One with another session key would shut everybody out.
	o, files = bob.next(), map[string][]byte{}
	reenvelope(o, ids[5], roster.Epoch, alice.envelope("Paris"), files)
	receipt = bob.apply(o, files)
	if r := receipt.Note.Done.Refusals; len(r) != 1 || r[0].Reason != order.ReasonRenewed {
		t.Errorf("the same epoch again: %+v", receipt.Note.Done)
	}
}

// A desk that was shown another log: nothing is applied, and the admin is told
// until it is looked into.
func TestApplyFromADeskOfAnotherLog(t *testing.T) {
	alice, bob := newDesks(t)
	id := alice.commit("Paris")
	for name, change := range map[string]func(*order.Return){
		"longer": func(o *order.Return) {
			o.Seen += 5
			o.Checkpoint = alice.checkpoint(o.Seen, [32]byte{1})
		},
		"forked": func(o *order.Return) { o.Checkpoint = alice.checkpoint(o.Seen, [32]byte{2}) },
	} {
		o := alice.next()
		alice.sequence = 0
		o.Sequence = 1
		change(o)
		_, err := alice.local.ApplyParcel(ctx, bytes.NewReader(alice.pack(o, nil, deletion(id, "Paris"))))
		if !errors.Is(err, admin.ErrOtherLog) || !strings.HasPrefix(err.Error(), "refused: this desk has seen another log: ") {
			t.Errorf("%s: %v", name, err)
		}
		t.Log(err)
		if problems := alice.problems(); len(problems) != 1 || !strings.Contains(problems[0], "the desk of reviewer "+alice.fingerprint()+" has seen another log of ") {
			t.Errorf("%s: %q", name, problems)
		}
	}
	// An older head of the same log, or none, is fine; another desk is not stopped.
	o := bob.next()
	o.Seen = 2
	root, err := translog.Root(2, alice.local.Vault())
	if err != nil {
		t.Fatal(err)
	}
	o.Checkpoint = alice.checkpoint(2, root)
	bob.apply(o, nil)
	o = alice.next()
	o.Sequence, o.Seen, o.Checkpoint = 1, 0, ""
	alice.apply(o, nil)
	if problems := alice.problems(); len(problems) != 1 {
		t.Errorf("the warning is gone: %q", problems)
	}
}

// problems without those that the old certificate makes.
func (d *desk) problems() []string {
	d.t.Helper()
	s, err := d.local.Status(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	return slices.DeleteFunc(s.Problems, func(p string) bool { return strings.HasPrefix(p, "channel ") })
}

// Through the control socket it is the same, and large parcels stream.
func TestApplyRemotely(t *testing.T) {
	alice, _ := newDesks(t)
	_, name := alice.mailbox(1)
	remote := connect(t, alice.home)
	o, files := alice.next(), map[string][]byte{}
	for range 20 {
		reply(o, name, alice.message(), files)
	}
	p := alice.pack(o, files)
	receipt, err := remote.ApplyParcel(ctx, bytes.NewReader(p))
	if err != nil || receipt.Note.Done.Replies != 20 || receipt.Again {
		t.Fatalf("%+v, %v", receipt, err)
	}
	again, err := alice.local.ApplyParcel(ctx, bytes.NewReader(p))
	receipt.Again = true
	if err != nil || fmt.Sprint(again) != fmt.Sprint(receipt) {
		t.Errorf("%+v, %v", again, err)
	}
	interrupted, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := remote.ApplyParcel(interrupted, bytes.NewReader(p)); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
