package desk_test

import (
	"errors"
	"io/fs"
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
)

// answered is a parcel with a receipt for an order that this desk never signed.
func answered(t *testing.T, d *desk.Desk, v *desktest.Vault, sequence uint64) []byte {
	t.Helper()
	signed := v.SignReceipt(order.Applied{Reviewer: d.Fingerprint(), Sequence: sequence, Order: strings.Repeat("ab", 32), Done: order.Done{Deleted: 40}})
	return v.Forge(v.Parcel(), func(f *desktest.Forgery) { f.Files["applied/"+d.Fingerprint()+".note"] = signed })
}

// Whoever has the key elsewhere is seen here: what they had done is told, and not as
// this desk's doing.
func TestReceiptOfAnotherHand(t *testing.T) {
	const last = 1<<53 - 1
	for sequence, next := range map[uint64]uint64{1: 2, 2: 3, 1000: 1001, 1001: 1, last: 1} {
		d, home := openNew(t)
		v := desktest.NewVault(t)
		v.Submit(desktest.Certificate(t, home), "un")
		raw := answered(t, d, v, sequence)
		report := importParcel(t, d, raw)
		want := witness.Finding{Kind: desk.ReceiptForeign, Given: int64(sequence), Sum: strings.Repeat("ab", 32)}
		if report.Receipt != nil || !report.Found() || !slices.Contains(report.Parcel, want) || len(report.New) != 1 {
			t.Errorf("%d: %+v", sequence, report)
		}
		importParcel(t, d, raw) // it stays among the findings, once
		f, err := d.Findings()
		must(t, err)
		if _, findings := f.News(); findings != 1 || !slices.Equal(f.Parcels, []witness.Finding{want}) {
			t.Errorf("%d: %d findings, %+v", sequence, findings, f.Parcels)
		}
		a, err := d.Audit(t.Context())
		if err != nil || !slices.Contains(slices.Concat(a.Log, a.Parcels), want) || a.Receipts != 0 || a.Sound() != (next == 1) {
			t.Errorf("%d: audit %+v, %v", sequence, a, err)
		}
		out, err := d.Outgoing(t.Context())
		if err != nil || out.Receipt != nil {
			t.Errorf("%d: it is shown as this desk's: %+v, %v", sequence, out.Receipt, err)
		}
		// The next number is one that can be signed.
		if p, _ := prepare(t, d); p.Sequence != next {
			t.Errorf("%d: the next is %d", sequence, p.Sequence)
		}
		must(t, d.Know(desk.FindingKey(want)))
		if a, err := d.Audit(t.Context()); err != nil || !a.Sound() {
			t.Errorf("%d: after a person said that they know: %+v, %v", sequence, a, err)
		}
	}
}

// A second answer under a number of this desk's is told, and the first one counts.
func TestReceiptTwice(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un")
	importParcel(t, d, v.Parcel())
	_, raw := prepare(t, d)
	apply(t, v, raw)
	own := v.Pack(parcel.Request{Reviewer: d.Fingerprint()})
	if report := importParcel(t, d, own); report.Receipt == nil || report.Found() {
		t.Fatalf("its own: %+v", report)
	}
	if report := importParcel(t, d, own); report.Receipt != nil || report.Found() {
		t.Errorf("its own again: %+v", report)
	}
	if report := importParcel(t, d, answered(t, d, v, 1)); report.Receipt != nil || !hasFinding(report.Parcel, desk.ReceiptForeign) {
		t.Errorf("another: %+v", report)
	}
	if out, err := d.Outgoing(t.Context()); err != nil || out.Receipt == nil || out.Receipt.Done.Acknowledged != 1 {
		t.Errorf("%+v, %v", out.Receipt, err)
	}
}

func hasFinding(all []witness.Finding, kind witness.Kind) bool {
	return slices.ContainsFunc(all, func(f witness.Finding) bool { return f.Kind == kind })
}

// deleted is a desk whose order to delete a submission the server followed; queued is
// what lay in its outbox, and where.
func deleted(t *testing.T) (d *desk.Desk, v *desktest.Vault, id, where string, queued []byte) {
	t.Helper()
	d, home := openNew(t)
	v = desktest.NewVault(t)
	id = v.Submit(desktest.Certificate(t, home), "un")
	importParcel(t, d, v.Parcel())
	must(t, d.OrderDeletion(t.Context(), id))
	_, raw := prepare(t, d)
	apply(t, v, raw)
	where = filepath.Join(home, "outbox", "deletions", id)
	queued, err := os.ReadFile(where)
	must(t, err)
	importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	return d, v, id, where, queued
}

// Killed between the receipt and the outbox, the desk orders nothing again that was
// done.
func TestReceiptAndKilled(t *testing.T) {
	d, v, id, where, queued := deleted(t)
	must(t, os.WriteFile(where, queued, 0o600))
	importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	if _, err := os.Lstat(where); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it waits in the outbox: %v", err)
	}
	if state, err := d.DeletionState(id); err != nil || state != desk.StateDone {
		t.Errorf("%s, %v", state, err)
	}
}

// What was deleted before, by this desk's order or another one's, is deleted.
func TestDeletionOfWhatIsDeleted(t *testing.T) {
	d, v, id, where, queued := deleted(t)
	must(t, os.WriteFile(where, queued, 0o600))
	_, raw := prepare(t, d)
	if done := apply(t, v, raw); len(done.Refusals) != 1 || done.Refusals[0].Reason != order.ReasonDeleted {
		t.Fatalf("the server: %+v", done)
	}
	importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	if state, err := d.DeletionState(id); err != nil || state != desk.StateDone {
		t.Errorf("%s, %v", state, err)
	}
}

// What the server refused can be ordered again, and waits until the server answers
// that.
func TestRefusedDeletionAgain(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, home), "un")
	importParcel(t, d, v.Parcel())
	must(t, d.OrderDeletion(t.Context(), id))
	must(t, os.WriteFile(filepath.Join(home, "outbox", "deletions", id), []byte("Lyon"), 0o600))
	_, raw := prepare(t, d)
	if done := apply(t, v, raw); len(done.Refusals) != 1 || done.Refusals[0].Reason != order.ReasonChannel {
		t.Fatalf("the server: %+v", done)
	}
	next := v.Pack(parcel.Request{Reviewer: d.Fingerprint()})
	importParcel(t, d, next)
	if state, err := d.DeletionState(id); err != nil || state != desk.StateRefused {
		t.Errorf("%s, %v", state, err)
	}
	must(t, d.OrderDeletion(t.Context(), id))
	importParcel(t, d, next)
	if state, err := d.DeletionState(id); err != nil || state != desk.StateQueued {
		t.Errorf("ordered again: %s, %v", state, err)
	}
}
