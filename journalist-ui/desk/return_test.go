package desk_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// prepare signs and writes a return parcel.
func prepare(t *testing.T, d *desk.Desk) (*desk.ReturnParcel, []byte) {
	t.Helper()
	p, err := d.PrepareReturn(t.Context(), []byte(desktest.Passphrase))
	if err != nil {
		t.Fatalf("PrepareReturn: %v", err)
	}
	var b bytes.Buffer
	if err := p.Write(t.Context(), &b); err != nil {
		t.Fatalf("Write: %v", err)
	}
	return p, b.Bytes()
}

func apply(t *testing.T, v *desktest.Vault, p []byte) order.Done {
	t.Helper()
	receipt, err := v.Apply(p)
	if err != nil {
		t.Fatalf("the server: %v", err)
	}
	return receipt.Note.Done
}

// mailboxed submits a message with a mailbox, and returns its key.
func mailboxed(t *testing.T, v *desktest.Vault, certificate []byte, message string) (id string, key vaulttest.Key, box vault.MailboxID) {
	t.Helper()
	key = vaulttest.NewKey(t, vaulttest.PostQuantum)
	m := desktest.Manifest(message)
	m.Mailbox = key.Certificate(t)
	raw, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var locked bytes.Buffer
	if err := key.Entity.SerializePrivateWithoutSigning(&locked, &packet.Config{}); err != nil {
		t.Fatal(err)
	}
	box = vault.MailboxID{7}
	if _, err := v.Store().EnsureMailbox(t.Context(), box, locked.Bytes()); err != nil {
		t.Fatal(err)
	}
	s := v.Sealer(certificate)
	return v.Commit(s.Envelope(), v.Seal(s, raw)), key, box
}

// The whole way: what is here is acknowledged, opened, answered and deleted; the
// server's receipt comes back, and the log says who deleted.
func TestReturn(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	asked, key, box := mailboxed(t, v, certificate, "une question")
	unwanted := v.Submit(certificate, "de trop")
	importParcel(t, d, v.Parcel())
	must(t, d.MarkOpened(t.Context(), asked))
	must(t, d.MarkOpened(t.Context(), asked))
	must(t, d.OrderDeletion(t.Context(), unwanted))
	reply, err := d.Reply(t.Context(), asked, "Merci. Où est\nla page 2 ?")
	must(t, err)
	p, raw := prepare(t, d)
	if p.Sequence != 1 || p.Again || p.Acknowledged != 2 || p.Opened != 1 || p.Deletions != 1 || p.Replies != 1 {
		t.Errorf("prepared %+v", p)
	}
	if done := apply(t, v, raw); done.Refused != 0 || done.Acknowledged != 2 || done.Opened != 1 || done.Deleted != 1 || done.Replies != 1 {
		t.Errorf("the server did %+v", done)
	}
	sealed, _, err := v.Store().Replies(box, 10)
	if err != nil || len(sealed) != 1 {
		t.Fatalf("%d replies, %v", len(sealed), err)
	}
	if text, err := key.Open(nil, bytes.NewReader(sealed[0])); err != nil || string(text) != "Merci. Où est\nla page 2 ?" {
		t.Errorf("the source reads %q, %v", text, err)
	}
	if text, err := d.ReplyText(reply); err != nil || !strings.HasPrefix(text, "Merci.") {
		t.Errorf("the desk reads %q, %v", text, err)
	}
	report := importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	if report.Receipt == nil || report.Receipt.Sequence != 1 || report.Found() || report.Known+len(report.New) != 0 {
		t.Errorf("report %+v", report)
	}
	if len(report.Events) != 1 || report.Events[0].ID != unwanted || report.Events[0].Reason != translog.ByOrder {
		t.Errorf("events %+v", report.Events)
	}
	if s, err := d.Outgoing(t.Context()); err != nil || len(s.Deletions) != 0 || s.Pending != nil || s.Receipt == nil || s.Receipt.Sequence != 1 {
		t.Errorf("outgoing %+v, %v", s, err)
	}
	if a, err := d.Audit(t.Context()); err != nil || !a.Sound() || a.Receipts != 1 || a.Returns != 1 {
		t.Errorf("audit %+v, %v", a, err)
	}
	// The log grew: that is news for the server, once.
	if p, raw := prepare(t, d); p.Sequence != 2 || p.Acknowledged+p.Opened+p.Deletions+p.Replies != 0 {
		t.Errorf("then %+v", p)
	} else {
		apply(t, v, raw)
	}
	importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	if _, err := d.PrepareReturn(t.Context(), []byte(desktest.Passphrase)); !errors.Is(err, desk.ErrNothingToReturn) {
		t.Errorf("nothing to tell: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Until the server answers, the parcel is the same, byte by byte, whatever is
// asked for meanwhile and whoever opens the desk; that goes into the next one.
func TestReturnAgain(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	first, second := v.Submit(certificate, "un"), v.Submit(certificate, "deux")
	importParcel(t, d, v.Parcel())
	must(t, d.OrderDeletion(t.Context(), first))
	_, raw := prepare(t, d)
	d = desktest.Open(t, home)
	must(t, d.OrderDeletion(t.Context(), second))
	if err := d.WithdrawDeletion(first); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("withdrawing what is signed: %v", err)
	}
	p, again := prepare(t, d)
	if !p.Again || p.Deletions != 1 || !bytes.Equal(raw, again) {
		t.Errorf("again: %+v", p)
	}
	apply(t, v, raw)
	apply(t, v, again) // the server takes it twice, too
	importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	p, raw = prepare(t, d)
	if p.Again || p.Sequence != 2 || p.Deletions != 1 || p.Acknowledged != 0 {
		t.Errorf("the next: %+v", p)
	}
	if done := apply(t, v, raw); done.Deleted != 1 || done.Refused != 0 {
		t.Errorf("the server did %+v", done)
	}
	if err := d.WithdrawDeletion("../../key.asc"); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("withdrawing nonsense: %v", err)
	}
}

// What the server refused is told with its reason.
func TestReturnRefused(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, home), "un")
	importParcel(t, d, v.Parcel())
	must(t, d.OrderDeletion(t.Context(), id))
	_, raw := prepare(t, d)
	parsed, err := vault.ParseID(id)
	must(t, err)
	must(t, v.Store().Delete(t.Context(), []vault.Deletion{{ID: parsed, Reason: translog.ByLimit}}))
	apply(t, v, raw)
	report := importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	if report.Receipt == nil || !slices.ContainsFunc(report.Receipt.Done.Refusals, func(r order.Refusal) bool {
		return r.ID == id && r.List == order.ListDeletions && r.Reason == order.ReasonDeleted
	}) {
		t.Errorf("receipt %+v", report.Receipt)
	}
	if len(report.Missing) != 1 || report.Missing[0].Kind != "limit-none" {
		t.Errorf("missing %+v", report.Missing)
	}
}

// Doubtful submissions are not acknowledged: the server must keep them.
func TestDoubtfulIsNotAcknowledged(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	s := v.Sealer(certificate)
	v.Commit(s.Envelope(), v.Seal(s, []byte("{}")))
	swapped := v.Submit(certificate, "un", desktest.File{Data: []byte("a")}, desktest.File{Data: []byte("b")})
	v.Submit(certificate, "deux")
	importParcel(t, d, v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		swap(f, desktest.PayloadName(swapped, 1), desktest.PayloadName(swapped, 2))
	}))
	if p, _ := prepare(t, d); p.Acknowledged != 1 {
		t.Errorf("acknowledged %d of 3", p.Acknowledged)
	}
}

func TestReturnNeedsThePassphrase(t *testing.T) {
	d, home := openNew(t)
	if _, err := d.PrepareReturn(t.Context(), []byte(desktest.Passphrase)); !errors.Is(err, desk.ErrNoVault) {
		t.Errorf("before any parcel: %v", err)
	}
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un")
	importParcel(t, d, v.Parcel())
	if _, err := d.PrepareReturn(t.Context(), []byte("autre chose entièrement")); !errors.Is(err, desk.ErrPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	p, _ := prepare(t, d)
	if p.Sequence != 1 {
		t.Errorf("the first has number %d", p.Sequence)
	}
	out := filepath.Join(t.TempDir(), "return.tar")
	must(t, p.Save(t.Context(), out))
	if err := p.Save(t.Context(), out); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	// A damaged order is not signed anew under its number.
	must(t, os.Truncate(filepath.Join(home, "returns", "1.json"), 100))
	if _, err := d.PrepareReturn(t.Context(), []byte(desktest.Passphrase)); err == nil {
		t.Error("a damaged order was passed over")
	}
}

// A copy of the home was used: the number goes on from the server's answer, and
// what the lost order had is asked for again.
func TestReturnOfACopy(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un")
	p := v.Parcel()
	importParcel(t, d, p)
	copied := desktest.NewHome(t)
	other := desktest.Open(t, copied)
	importParcel(t, other, p)
	prepare(t, d) // never carried
	must(t, other.MarkOpened(t.Context(), slices.Collect(maps.Keys(submissions(t, d)))[0]))
	_, raw := prepare(t, other)
	apply(t, v, raw)
	importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	next, raw := prepare(t, d)
	if next.Sequence != 2 || next.Again || next.Acknowledged != 1 {
		t.Errorf("the next: %+v", next)
	}
	if done := apply(t, v, raw); done.Refused != 0 {
		t.Errorf("the server: %+v", done)
	}
}

func TestReplyRefused(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	mute := v.Submit(certificate, "sans boîte")
	asked, _, _ := mailboxed(t, v, certificate, "une question")
	importParcel(t, d, v.Parcel())
	for what, c := range map[string]struct {
		id, text string
		want     error
	}{
		"no mailbox": {mute, "bonjour", desk.ErrNoMailbox},
		"empty":      {asked, " \n", desk.ErrReplyText},
		"too long":   {asked, strings.Repeat("é", desk.MaxReplyText), desk.ErrReplyText},
		"not UTF-8":  {asked, "\xff", desk.ErrReplyText},
		"nobody":     {"aaaaaaaaaaaaaaaaaaaaaaaaaa", "bonjour", desk.ErrNotFound},
	} {
		if _, err := d.Reply(t.Context(), c.id, c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if d.CanReply(mute) || !d.CanReply(asked) {
		t.Error("CanReply says otherwise")
	}
}

// A receipt that is not the vault's, or not for this reviewer, is left out.
func TestForgedReceipt(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un")
	report := importParcel(t, d, v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		f.Files["applied/"+d.Fingerprint()+".note"] = []byte("sourdine/applied/v1\n")
	}))
	if got := kinds(report.Parcel); len(got) != 1 || got[0] != desk.ReceiptBad || len(report.New) != 1 {
		t.Errorf("report %+v", report)
	}
	if _, err := os.Lstat(filepath.Join(home, "returns")); err == nil {
		t.Error("something of it was kept")
	}
}
