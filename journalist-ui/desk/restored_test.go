package desk_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/spoken"
)

// news imports what the server has for the desk's reviewer.
func news(t *testing.T, d *desk.Desk, v *desktest.Vault) desk.Report {
	t.Helper()
	return importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
}

// returned signs a return parcel, lets the server apply it, and imports the answer.
func returned(t *testing.T, d *desk.Desk, v *desktest.Vault) (order.Done, desk.Report) {
	t.Helper()
	_, raw := prepare(t, d)
	done := apply(t, v, raw)
	return done, news(t, d, v)
}

// accept types the twelve words of a restoration.
func accept(t *testing.T, d *desk.Desk, leaf, language string) witness.Restoration {
	t.Helper()
	r, err := d.AcceptRestored(strings.Join(spoken.Words(leaf, language), " "))
	if err != nil || r.Text != leaf {
		t.Fatalf("accepting: %+v, %v", r, err)
	}
	return r
}

// A lost server: what a desk has done before and after the backup, and what became
// of it on the restored one.
type lost struct {
	d          *desk.Desk
	home       string
	v, old     *desktest.Vault // restored, and as it was
	leaf       string
	kept       string // acknowledged before the backup
	deleted    string // after it
	gone       string // came and went
	never      string // neither delivered nor there any more
	asked      string // answered after it
	after      string // came to the restored server
	unanswered []byte // the return parcel that was on its way
}

func lose(t *testing.T) lost {
	t.Helper()
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	x := lost{d: d, home: home, old: v}
	x.kept, x.deleted = v.Submit(certificate, "reste"), v.Submit(certificate, "à supprimer")
	x.asked, _, _ = mailboxed(t, v, certificate, "une question")
	news(t, d, v)
	if done, _ := returned(t, d, v); done.Acknowledged != 3 {
		t.Fatalf("the server did %+v", done)
	}
	backup := v.Backup()
	x.gone = v.Submit(certificate, "perdu")
	news(t, d, v)
	must(t, d.OrderDeletion(t.Context(), x.deleted))
	_, err := d.Reply(t.Context(), x.asked, "Merci.")
	must(t, err)
	must(t, d.MarkOpened(t.Context(), x.gone))
	if done, report := returned(t, d, v); done.Deleted != 1 || done.Replies != 1 || done.Opened != 1 || report.Found() {
		t.Fatalf("the server did %+v; %+v", done, report)
	}
	x.never = v.Submit(certificate, "jamais livré")
	importParcel(t, d, v.Forge(v.Pack(parcel.Request{Reviewer: d.Fingerprint()}), func(f *desktest.Forgery) {
		without(f, x.never)
		f.Index.Left = 1
	}))
	must(t, d.MarkOpened(t.Context(), x.kept))
	_, x.unanswered = prepare(t, d)
	x.v, x.leaf = v.Restore(backup)
	x.after = x.v.Submit(certificate, "d'après")
	return x
}

// The server is restored from a backup. The desk keeps what it brings apart until
// its reviewer has the admin's words; then it goes on, and tells the server again
// what that has forgotten. What was deleted is deleted.
func TestRestoredServer(t *testing.T) {
	x := lose(t)
	d, v := x.d, x.v
	before, err := d.LogHead()
	must(t, err)
	for range 2 {
		report := news(t, d, v)
		if got := kinds(report.Parcel); !slices.Equal(got, []witness.Kind{witness.Restored}) || !report.Found() {
			t.Fatalf("report %+v", report)
		}
	}
	f, err := d.Findings()
	if err != nil || !f.Doubts(x.after) || f.Doubts(x.kept) || f.Doubts(x.gone) {
		t.Errorf("before it is accepted: %+v, %v", f, err)
	}
	if _, err := v.Apply(x.unanswered); err == nil {
		t.Error("the server took the return parcel of the other log")
	}
	waiting, err := d.Restorations()
	if err != nil || len(waiting) != 1 || waiting[0].Text != x.leaf || waiting[0].Gone.Leaves == 0 || len(waiting[0].Gone.Submissions) != 2 {
		t.Fatalf("waiting %+v, %v", waiting, err)
	}
	accept(t, d, x.leaf, "fr")
	d = desktest.Open(t, x.home)

	report := news(t, d, v)
	if report.Known != 1 || !slices.Equal(report.Again, []string{x.deleted}) || len(report.Parcel)+len(report.Findings)+len(report.Log) != 0 ||
		!slices.Equal(kinds(report.Missing), []witness.Kind{witness.LostInRestore}) {
		t.Errorf("report %+v", report)
	}
	event := report.Events[slices.IndexFunc(report.Events, func(e witness.Event) bool { return e.Kind == witness.ServerRestored })]
	if event.Gone != before.Size-waiting[0].Leaf || event.Back != 1 {
		t.Errorf("event %+v", event)
	}
	f, err = d.Findings()
	if err != nil || f.Doubts(x.after) || !f.Lost(x.gone) || f.Doubts(x.gone) || f.Lost(x.kept) || f.Generation != 1 || len(f.Parcels) != 0 || f.Interrupted {
		t.Errorf("then: %+v, %v", f, err)
	}
	if got := kinds(f.Missing); !slices.Equal(got, []witness.Kind{witness.LostInRestore}) || f.Missing[0].ID != x.never {
		t.Errorf("missing %+v", f.Missing)
	}
	if events, findings := f.News(); events == 0 || findings != 1 {
		t.Errorf("%d events and %d findings are new", events, findings)
	}
	out, err := d.Outgoing(t.Context())
	if err != nil || out.Pending != nil || !slices.Equal(out.Deletions, []string{x.deleted}) || out.Replies != 1 || out.Acknowledged != 1 || out.Opened != 1 {
		t.Errorf("outgoing %+v, %v", out, err)
	}
	if state, err := d.DeletionState(x.deleted); err != nil || state != desk.StateQueued {
		t.Errorf("the deletion is %q, %v", state, err)
	}
	if replies, err := d.RepliesTo(x.asked); err != nil || len(replies) != 1 || replies[0].State != desk.StateQueued {
		t.Errorf("the reply is %+v, %v", replies, err)
	}

	p, raw := prepare(t, d)
	if p.Again || p.Sequence != 4 || p.Acknowledged != 1 || p.Opened != 1 || p.Deletions != 1 || p.Replies != 1 {
		t.Errorf("prepared %+v", p)
	}
	if done := apply(t, v, raw); done.Refused != 0 || done.Deleted != 1 || done.Replies != 1 {
		t.Errorf("the server did %+v", done)
	}
	report = news(t, d, v)
	if report.Found() || report.Receipt == nil || len(report.Again)+len(report.Missing) != 0 || len(report.Events) != 1 || report.Events[0].ID != x.deleted {
		t.Errorf("report %+v", report)
	}
	a, err := d.Audit(t.Context())
	if got := kinds(a.Log); err != nil || !slices.Equal(got, []witness.Kind{witness.LostInRestore}) || a.Void != 2 || a.Returns != 2 || a.Receipts != 2 {
		t.Errorf("audit %+v, %v", a, err)
	}
	if state, err := d.DeletionState(x.deleted); err != nil || state != desk.StateDone {
		t.Errorf("the deletion is %q, %v", state, err)
	}
	// The server that should not run any more, and an old parcel of it.
	if err := d.Compare(before.Checkpoint); !errors.Is(err, witness.ErrBeforeRestore) {
		t.Errorf("comparing: %v", err)
	}
	report = importParcel(t, d, x.old.Parcel())
	if got := kinds(report.Parcel); !slices.Equal(got, []witness.Kind{witness.OldLog}) || len(report.New) != 1 {
		t.Errorf("an old parcel: %+v", report)
	}
	// So the one that was never delivered came after all.
	if f, err := d.Findings(); err != nil || f.Doubts(x.never) || !f.Lost(x.never) {
		t.Errorf("what it brought: %+v, %v", f, err)
	}
	if report := news(t, d, v); len(kinds(report.Missing)) != 0 {
		t.Errorf("missing %+v", report.Missing)
	}
}

// Words that are not those of the restoration, and spellings of those that are.
func TestAcceptRestored(t *testing.T) {
	x := lose(t)
	d := x.d
	words := strings.Join(spoken.Words(x.leaf, "en"), " ")
	if _, err := d.AcceptRestored(words); !errors.Is(err, witness.ErrNoRestoration) {
		t.Errorf("before any parcel: %v", err)
	}
	news(t, d, x.v)
	_, other := x.old.Restore(x.old.Backup())
	for what, c := range map[string]struct {
		words string
		want  error
	}{
		"nothing":             {"", desk.ErrWordCount},
		"eleven":              {words[strings.IndexByte(words, ' '):], desk.ErrWordCount},
		"thirteen":            {words + " abandon", desk.ErrWordCount},
		"another restoration": {strings.Join(spoken.Words(other, "en"), " "), desk.ErrWords},
		"two languages":       {strings.Join(append(spoken.Words(x.leaf, "fr")[:6], spoken.Words(x.leaf, "en")[6:]...), " "), desk.ErrWords},
		"the leaf itself":     {x.leaf, desk.ErrWordCount},
	} {
		if _, err := d.AcceptRestored(c.words); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if report := news(t, d, x.v); !slices.Equal(kinds(report.Parcel), []witness.Kind{witness.Restored}) {
		t.Errorf("nobody accepted it: %+v", report.Parcel)
	}
	french := spoken.Words(x.leaf, "fr")
	for _, words := range []string{
		words, strings.ToUpper(words), "\n 1. " + strings.ReplaceAll(words, " ", ",\r\n 2.") + ".",
		strings.Join(french, " "), strings.ToUpper(strings.Join(french, "\t")), unaccented(strings.Join(french, " ")),
	} {
		if r, err := d.AcceptRestored(words); err != nil || r.Text != x.leaf || !r.Accepted {
			t.Errorf("%q: %v", words, err)
		}
	}
	if report := news(t, d, x.v); len(report.Parcel) != 0 || len(report.Again) != 1 {
		t.Errorf("report %+v", report)
	}
	if _, err := d.AcceptRestored(words); !errors.Is(err, witness.ErrNoRestoration) {
		t.Errorf("when it is over: %v", err)
	}
}

// unaccented takes accents away, as a keyboard without them does.
func unaccented(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x300 && r < 0x370 {
			return -1
		}
		return r
	}, strings.NewReplacer("é", "e", "è", "e", "ê", "e", "ô", "o", "ï", "i", "ç", "c", "û", "u", "â", "a", "î", "i").Replace(text))
}

// A kill at each step after the log went on. Until the desk has noted what the
// server remembers nothing is signed; from then on what follows is done by whatever
// the desk does next, once.
func TestRestoredAndKilled(t *testing.T) {
	audit := func(x *lost) {
		_, err := x.d.Audit(t.Context())
		must(t, err)
	}
	older := func(x *lost) { importParcel(t, x.d, x.old.Parcel()) }
	same := func(x *lost) { news(t, x.d, x.v) }
	for what, c := range map[string]struct {
		queued, told, cut bool // what was done when it was killed
		next              []func(*lost)
	}{
		"at once":              {false, false, false, []func(*lost){audit, older, same}},
		"when all was queued":  {true, false, false, []func(*lost){same}},
		"when that was noted":  {true, true, false, []func(*lost){older, same}},
		"when it was void":     {true, true, true, nil},
		"then an older parcel": {true, true, true, []func(*lost){older}},
	} {
		x := lose(t)
		news(t, x.d, x.v)
		accept(t, x.d, x.leaf, "en")
		f, err := x.d.Findings()
		must(t, err)
		news(t, x.d, x.v)
		f.Interrupted = true
		if c.told {
			f.Again = []string{x.deleted}
		}
		before, err := json.Marshal(f)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(x.home, "findings.json"), before, 0o600))
		if !c.queued {
			must(t, x.d.WithdrawDeletion(x.deleted))
		}
		if !c.cut {
			must(t, os.Remove(filepath.Join(x.home, "returns", "restored-1.json")))
		}
		x.d = desktest.Open(t, x.home)
		for _, next := range c.next {
			if _, err := x.d.PrepareReturn(t.Context(), []byte(desktest.Passphrase)); !c.cut && !errors.Is(err, desk.ErrUnheard) {
				t.Errorf("%s: signed: %v", what, err)
			}
			next(&x)
		}
		p, _ := prepare(t, x.d)
		if p.Sequence != 4 || p.Deletions != 1 || p.Acknowledged != 1 || p.Replies != 1 {
			t.Errorf("%s: prepared %d with %d, %d, %d", what, p.Sequence, p.Deletions, p.Acknowledged, p.Replies)
		}
		f, err = x.d.Findings()
		if err != nil || f.Generation != 1 || f.Interrupted || f.Doubts(x.after) || !slices.Equal(f.Again, []string{x.deleted}) {
			t.Errorf("%s: %+v, %v", what, f, err)
		}
		if report := news(t, x.d, x.v); len(report.Again) != 0 {
			t.Errorf("%s: ordered again twice: %+v", what, report)
		}
		if f, err = x.d.Findings(); err != nil || !slices.ContainsFunc(f.Events, func(e witness.Event) bool { return e.Kind == witness.ServerRestored }) {
			t.Errorf("%s: not told: %v", what, err)
		}
	}
}

// A void return parcel reached the restored server all the same: nothing of it is
// sent again.
func TestVoidReturnThatCame(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	id := v.Submit(certificate, "à supprimer")
	v.Submit(certificate, "autre")
	news(t, d, v)
	backup := v.Backup()
	must(t, d.OrderDeletion(t.Context(), id))
	_, raw := prepare(t, d)
	apply(t, v, raw)
	news(t, d, v)
	restored, leaf := v.Restore(backup)
	news(t, d, restored)
	accept(t, d, leaf, "en")
	if report := news(t, d, restored); !slices.Equal(report.Again, []string{id}) {
		t.Fatalf("report %+v", report)
	}
	if done := apply(t, restored, raw); done.Deleted != 1 || done.Acknowledged != 2 {
		t.Fatalf("the server did %+v", done)
	}
	if report := news(t, d, restored); report.Found() {
		t.Errorf("report %+v", report)
	}
	out, err := d.Outgoing(t.Context())
	if err != nil || len(out.Deletions) != 0 || out.Acknowledged != 0 || out.Receipt == nil || out.Receipt.Sequence != 1 {
		t.Errorf("outgoing %+v, %v", out, err)
	}
	if p, raw := prepare(t, d); p.Sequence != 2 || p.Acknowledged+p.Deletions != 0 {
		t.Errorf("prepared %+v", p)
	} else {
		apply(t, restored, raw)
	}
}

// Two desks of one reviewer, of which only one accepted; and a restoration that the
// server made up, which nobody can have words for but the server.
func TestRestoredSeenByTwoDesks(t *testing.T) {
	x := lose(t)
	other, _ := openNew(t)
	importParcel(t, other, x.old.Parcel())
	news(t, x.d, x.v)
	importParcel(t, other, x.v.Parcel())
	accept(t, x.d, x.leaf, "fr")
	news(t, x.d, x.v)
	theirs, err := other.LogHead()
	must(t, err)
	if err := x.d.Compare(theirs.Checkpoint); !errors.Is(err, witness.ErrBeforeRestore) {
		t.Errorf("the one that accepted: %v", err)
	}
	ours, err := x.d.LogHead()
	must(t, err)
	var refused *witness.Refused
	if err := other.Compare(ours.Checkpoint); !errors.Is(err, witness.ErrNotYet) && !errors.As(err, &refused) || errors.Is(err, witness.ErrFork) {
		t.Errorf("the one that did not: %v", err)
	}
	if _, err := x.v.Apply(x.unanswered); err == nil {
		t.Error("taken")
	}
	if report := importParcel(t, other, x.v.Parcel()); !slices.Equal(kinds(report.Parcel), []witness.Kind{witness.Restored}) {
		t.Errorf("report %+v", report.Parcel)
	}
}
