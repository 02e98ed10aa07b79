package desk_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// What waits when another reviewer joins is made anew; what was on its way then
// is refused by the server, comes back, and is made anew too.
func TestRenewOvertaken(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	id := v.Submit(certificate, "une fuite")
	next := func(name string) vaulttest.Key {
		key := vaulttest.NewKey(t, vaulttest.X25519)
		joins(t, v, name, key.Certificate(t))
		return key
	}
	outgoing := func(fit, stale int) {
		t.Helper()
		if out, err := d.Outgoing(t.Context()); err != nil || out.Envelopes != fit || out.Stale != stale {
			t.Errorf("outgoing %+v, %v; want %d and %d", out, err, fit, stale)
		}
	}
	next("second")
	importParcel(t, d, v.Parcel())
	shown := onlyRenewal(t, d)
	renew(t, d, 1)
	outgoing(1, 0)
	next("third")
	importParcel(t, d, v.Parcel())
	outgoing(0, 1)
	if _, err := d.Renew(t.Context(), shown); !errors.Is(err, desk.ErrRosterChanged) {
		t.Errorf("with what was shown before: %v", err)
	}
	renew(t, d, 1)
	outgoing(1, 0)
	if len(queued(t, home)) != 1 {
		t.Errorf("in the outbox: %v", queued(t, home))
	}
	_, packed := prepare(t, d)
	fourth := next("fourth") // before the parcel is there
	if done := apply(t, v, packed); done.Envelopes != 0 || len(done.Refusals) != 1 || done.Refusals[0].Reason != order.ReasonEpoch {
		t.Errorf("the server: %+v", done)
	}
	outgoing(0, 0) // it is on its way
	if _, again := prepare(t, d); !bytes.Equal(again, packed) {
		t.Error("it is another parcel by now")
	}
	importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	outgoing(0, 1)
	renew(t, d, 1)
	outgoing(1, 0)
	if done := deliver(t, d, v); done.Envelopes != 1 || done.Refused != 0 {
		t.Errorf("the server: %+v", done)
	}
	_, envelope := stored(t, v, id)
	sessionKey(t, envelope, fourth)
	outgoing(0, 0)
	noRenewal(t, d)
}

// A deletion takes the new envelope out of the outbox.
func TestRenewOfTheDeleted(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	gone, doomed, kept := v.Submit(certificate, "un"), v.Submit(certificate, "deux"), v.Submit(certificate, "trois")
	joins(t, v, "second", vaulttest.NewKey(t, vaulttest.X25519).Certificate(t))
	importParcel(t, d, v.Parcel())
	renew(t, d, 3)
	parsed, err := vault.ParseID(gone)
	must(t, err)
	must(t, v.Store().SetPolicy(t.Context(), "Nice", vault.Policy{Limit: 1}))
	must(t, v.Store().Delete(t.Context(), []vault.Deletion{{ID: parsed, Reason: translog.ByLimit}}))
	importParcel(t, d, v.Parcel())
	must(t, d.OrderDeletion(t.Context(), doomed))
	p, packed := prepare(t, d)
	if p.Envelopes != 1 || p.Deletions != 1 || len(queued(t, home)) != 2 {
		t.Errorf("prepared %+v; in the outbox: %v", p, queued(t, home))
	}
	if done := apply(t, v, packed); done.Envelopes != 1 || done.Deleted != 1 {
		t.Errorf("the server: %+v", done)
	}
	importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	noRenewal(t, d)
	deliver(t, d, v) // the log grew
	if len(queued(t, home)) != 0 {
		t.Errorf("in the outbox: %v", queued(t, home))
	}
	if e, _ := stored(t, v, kept); e.Epoch != 2 {
		t.Errorf("epoch %d", e.Epoch)
	}
}

// What cannot be sealed to safely is left as it is, and said.
func TestRenewRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, v *desktest.Vault, home string)
		check  func(r desk.Renewal) bool
	}{
		"a roster's file is lost": {func(t *testing.T, _ *desktest.Vault, home string) {
			files, err := filepath.Glob(filepath.Join(home, "log", "rosters", "*"))
			must(t, err)
			for _, path := range files {
				must(t, os.Remove(path))
			}
		}, func(r desk.Renewal) bool { return kindOf(r.Problem) == witness.RosterFileMissing }},
		"a roster's file differs": {func(t *testing.T, _ *desktest.Vault, home string) {
			files, err := filepath.Glob(filepath.Join(home, "log", "rosters", "*"))
			must(t, err)
			for _, path := range files {
				must(t, os.WriteFile(path, []byte("{}"), 0o600))
			}
		}, func(r desk.Renewal) bool { return kindOf(r.Problem) == witness.RosterFileDiffers }},
		"this reviewer left": {func(t *testing.T, v *desktest.Vault, home string) {
			fingerprint, err := desk.Fingerprint(home)
			must(t, err)
			_, err = v.Store().RemoveMember(t.Context(), "Nice", fingerprint)
			must(t, err)
		}, func(r desk.Renewal) bool { return errors.Is(r.Problem, desk.ErrNotReader) }},
		"a certificate that is not the member's": {func(t *testing.T, v *desktest.Vault, home string) {
			addRaw(t, v, vault.Member{Name: "x", Fingerprint: strings.Repeat("AB", 32), Certificate: vaulttest.NewKey(t, vaulttest.X25519).Certificate(t)})
		}, func(r desk.Renewal) bool { return kindOf(r.Problem) == witness.CertificateDiffers }},
		"a certificate of the future": {func(t *testing.T, v *desktest.Vault, home string) {
			kind := vaulttest.X25519
			kind.Time = func() time.Time { return time.Now().AddDate(1, 0, 0) }
			key := vaulttest.NewKey(t, kind)
			addRaw(t, v, vault.Member{Name: "x", Fingerprint: fingerprintOf(key), Certificate: key.Certificate(t)})
		}, func(r desk.Renewal) bool {
			return r.Problem != nil && strings.Contains(r.Problem.Error(), "check the clock")
		}},
	} {
		d, home := openNew(t)
		v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
		id := v.Submit(certificate, "une fuite")
		joins(t, v, "second", vaulttest.NewKey(t, vaulttest.X25519).Certificate(t))
		importParcel(t, d, v.Parcel())
		shown := onlyRenewal(t, d)
		c.change(t, v, home)
		if !strings.HasPrefix(name, "a roster's file") { // which an import would mend
			importParcel(t, d, v.Parcel())
		}
		r := onlyRenewal(t, d)
		if !slices.Equal(r.IDs, []string{id}) || !c.check(r) {
			t.Errorf("%s: %+v", name, r)
		}
		for _, r := range []desk.Renewal{r, shown} {
			if done, err := d.Renew(t.Context(), r); err == nil || done.Made != 0 || len(queued(t, home)) != 0 {
				t.Errorf("%s: %+v, %v", name, done, err)
			}
		}
		t.Logf("%s: %v", name, r.Problem)
	}
}

func addRaw(t *testing.T, v *desktest.Vault, m vault.Member) {
	t.Helper()
	_, err := v.Store().AddMember(t.Context(), "Nice", m)
	must(t, err)
}

func kindOf(err error) witness.Kind {
	var refused *witness.Refused
	if errors.As(err, &refused) {
		return refused.Finding.Kind
	}
	return ""
}

// Who cannot be sealed to any more is named; what is doubtful or damaged here
// stays as it is, and stops nothing else.
func TestRenewLeavesOut(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	sound, damaged := v.Submit(certificate, "un"), v.Submit(certificate, "deux")
	s := v.Sealer(certificate)
	v.Commit(s.Envelope(), v.Seal(s, []byte("{}"))) // doubtful
	kind := vaulttest.V4
	kind.Time, kind.KeyLifetimeSecs = func() time.Time { return time.Now().AddDate(0, -2, 0) }, 30*24*3600
	expired := vaulttest.NewKey(t, kind)
	addRaw(t, v, vault.Member{Name: "Ancienne", Fingerprint: fingerprintOf(expired), Certificate: expired.Certificate(t)})
	joins(t, v, "GnuPG", vaulttest.NewKey(t, vaulttest.V4).Certificate(t))
	importParcel(t, d, v.Parcel())
	must(t, os.WriteFile(filepath.Join(home, "sealed", damaged, "envelope.pgp"), []byte("x"), 0o600))
	r := onlyRenewal(t, d)
	if len(r.LeftOut) != 1 || r.LeftOut[0].Name != "Ancienne" || len(r.Readers) != 2 || !r.Readers[1].OldForm || r.Doubtful != 1 || len(r.IDs) != 2 {
		t.Fatalf("renewal %+v", r)
	}
	done, err := d.Renew(t.Context(), r)
	if err != nil || done.Made != 1 || !strings.Contains(done.Failed[damaged], "damaged") || len(done.Failed) != 1 {
		t.Errorf("renewed %+v, %v", done, err)
	}
	if answer := deliver(t, d, v); answer.Envelopes != 1 || answer.Refused != 0 {
		t.Errorf("the server: %+v", answer)
	}
	if e, _ := stored(t, v, sound); e.Epoch != 3 {
		t.Errorf("epoch %d", e.Epoch)
	}
	if _, err := d.Renewals(t.Context(), "Paris"); !errors.Is(err, desk.ErrNoRoster) {
		t.Errorf("of a channel that is not there: %v", err)
	}
	if _, err := desktest.New(t).Renewals(t.Context(), ""); !errors.Is(err, desk.ErrNoVault) {
		t.Errorf("before any parcel: %v", err)
	}
}

// A server that was restored from before the new envelopes came gets them again.
func TestRenewAfterARestoration(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	id := v.Submit(certificate, "une fuite")
	second := vaulttest.NewKey(t, vaulttest.X25519)
	joins(t, v, "second", second.Certificate(t))
	importParcel(t, d, v.Parcel())
	backup := v.Backup()
	renew(t, d, 1)
	v.Channel = "Marseille"
	v.Submit(certificate, "perdue") // by which the logs differ
	importParcel(t, d, v.Parcel())
	if done := deliver(t, d, v); done.Envelopes != 1 {
		t.Fatalf("the server: %+v", done)
	}
	noRenewal(t, d)
	restored, mark := v.Restore(backup)
	if e, _ := stored(t, restored, id); e.Epoch != 1 {
		t.Fatalf("the backup has epoch %d", e.Epoch)
	}
	news(t, d, restored)
	accept(t, d, mark, "fr")
	news(t, d, restored)
	noRenewal(t, d) // the same one goes again
	if done := deliver(t, d, restored); done.Envelopes != 1 || done.Refused != 0 {
		t.Errorf("the server: %+v", done)
	}
	_, envelope := stored(t, restored, id)
	sessionKey(t, envelope, second)
	noRenewal(t, d)
}
