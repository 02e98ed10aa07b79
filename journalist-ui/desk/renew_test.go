package desk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// joins puts a reviewer on the roster of Nice.
func joins(t *testing.T, v *desktest.Vault, name string, certificate []byte) {
	t.Helper()
	c, err := seal.ParseCertificate(certificate, time.Now())
	must(t, err)
	v.AddReviewer(name, c)
}

func leaves(t *testing.T, v *desktest.Vault, key vaulttest.Key) {
	t.Helper()
	_, err := v.Store().RemoveMember(t.Context(), "Nice", fingerprintOf(key))
	must(t, err)
}

func fingerprintOf(key vaulttest.Key) string {
	return fmt.Sprintf("%X", key.Entity.PrimaryKey.Fingerprint)
}

// onlyRenewal is that of Nice, which must be all there is.
func onlyRenewal(t *testing.T, d *desk.Desk) desk.Renewal {
	t.Helper()
	all, err := d.Renewals(t.Context(), "")
	if err != nil || len(all) != 1 || all[0].Channel != "Nice" {
		t.Fatalf("renewals %+v, %v", all, err)
	}
	return all[0]
}

func noRenewal(t *testing.T, d *desk.Desk) {
	t.Helper()
	if all, err := d.Renewals(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("still to renew: %+v, %v", all, err)
	}
}

// renew makes new envelopes of everything in Nice.
func renew(t *testing.T, d *desk.Desk, want int) {
	t.Helper()
	done, err := d.Renew(t.Context(), onlyRenewal(t, d))
	if err != nil || done.Made != want || len(done.Failed) > 0 {
		t.Fatalf("renewed %+v, %v", done, err)
	}
}

// deliver takes a return parcel to the server and its answer back.
func deliver(t *testing.T, d *desk.Desk, v *desktest.Vault) order.Done {
	t.Helper()
	_, raw := prepare(t, d)
	done := apply(t, v, raw)
	importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))
	return done
}

func stored(t *testing.T, v *desktest.Vault, id string) (vault.Entry, []byte) {
	t.Helper()
	parsed, err := vault.ParseID(id)
	must(t, err)
	e, err := v.Store().Entry(parsed)
	must(t, err)
	envelope, err := v.Store().Envelope(parsed)
	must(t, err)
	return e, envelope
}

func queued(t *testing.T, home string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(home, "outbox", "envelopes", "*"))
	must(t, err)
	return names
}

// A reviewer who joins later opens an old leak: the envelope is sealed anew at one
// desk, goes through the server, and the other desk reads the same plaintext.
func TestRenew(t *testing.T) {
	for name, kind := range map[string]*packet.Config{"v6": nil, "v6, other": &vaulttest.X25519, "v4": &vaulttest.V4} {
		t.Run(name, func(t *testing.T) {
			d, home := openNew(t)
			v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
			v.Sealer(certificate) // makes the roster
			var witnessKey vaulttest.Key
			reader := vaulttest.NewKey(t, vaulttest.PostQuantum)
			joins(t, v, "reader", reader.Certificate(t))
			to := [][]byte{certificate, reader.Certificate(t)}
			if kind != nil { // a reviewer whose certificate makes the payloads what they are
				witnessKey = vaulttest.NewKey(t, *kind)
				to = append(to, witnessKey.Certificate(t))
			}
			s := v.Sealer(to...)
			secret := bytes.Repeat([]byte("un secret bien gardé "), 20_000)
			raw, err := desktest.Manifest("une fuite", desktest.File{Name: "a.pdf", Data: secret}).Encode()
			must(t, err)
			id := v.Commit(s.Envelope(), v.Seal(s, raw), v.Seal(s, secret))
			importParcel(t, d, v.Parcel())
			noRenewal(t, d)

			otherHome := desktest.NewOtherHome(t)
			joins(t, v, "Jean, Nice", desktest.Certificate(t, otherHome))
			importParcel(t, d, v.Parcel())
			r := onlyRenewal(t, d)
			last := r.Readers[len(r.Readers)-1]
			if r.Problem != nil || !slices.Equal(r.IDs, []string{id}) || len(r.Readers) != len(to)+1 || len(r.LeftOut)+r.Doubtful != 0 ||
				last.Name != "Jean, Nice" || last.Since != v.Day || last.OldForm {
				t.Fatalf("renewal %+v", r)
			}
			before, oldEnvelope := stored(t, v, id)
			renew(t, d, 1)
			checkNoSessionKey(t, home, oldEnvelope, reader)
			noRenewal(t, d)
			p, packed := prepare(t, d)
			if p.Envelopes != 1 {
				t.Errorf("prepared %+v", p)
			}
			if done := apply(t, v, packed); done.Envelopes != 1 || done.Refused != 0 {
				t.Fatalf("the server: %+v", done)
			}
			if again := apply(t, v, packed); again.Envelopes != 1 {
				t.Errorf("the same again: %+v", again)
			}
			if e, _ := stored(t, v, id); e.Epoch != before.Epoch+1 || !slices.Equal(e.Digests, before.Digests) {
				t.Errorf("stored %+v, before %+v", e, before)
			}
			other := desktest.Open(t, otherHome)
			report, err := other.Import(t.Context(), bytes.NewReader(v.Pack(parcel.Request{Reviewer: other.Fingerprint()})))
			if err != nil || !slices.Equal(report.New, []string{id}) || !report.Sound() || len(report.Doubtful) > 0 {
				t.Fatalf("the other desk: %+v, %v", report, err)
			}
			if plain, err := read(other, id, 1); err != nil || !bytes.Equal(plain, secret) {
				t.Errorf("the other desk reads %d bytes, %v", len(plain), err)
			}
			// The server's answer; who had it reads it as before.
			if report := importParcel(t, d, v.Pack(parcel.Request{Reviewer: d.Fingerprint()})); report.Receipt == nil || !report.Sound() {
				t.Errorf("report %+v", report)
			}
			if plain, err := read(d, id, 1); err != nil || !bytes.Equal(plain, secret) || len(queued(t, home)) != 0 {
				t.Errorf("reads %d bytes, %v; in the outbox: %v", len(plain), err, queued(t, home))
			}
			noRenewal(t, d)
			for _, d := range []*desk.Desk{d, other} {
				if a, err := d.Audit(t.Context()); err != nil || !a.Sound() {
					t.Errorf("audit %+v, %v", a, err)
				}
			}
		})
	}
}

// checkNoSessionKey looks through every file of a home.
func checkNoSessionKey(t *testing.T, home string, envelope []byte, by vaulttest.Key) {
	t.Helper()
	key := sessionKey(t, envelope, by)
	err := filepath.WalkDir(home, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, key) || bytes.Contains(raw, key[:12]) || bytes.Contains(raw, fmt.Appendf(nil, "%x", key[:12])) {
			t.Errorf("%s holds the session key", path)
		}
		return err
	})
	must(t, err)
}

// sessionKey opens an envelope with go-crypto alone.
func sessionKey(t *testing.T, envelope []byte, by vaulttest.Key) []byte {
	t.Helper()
	for r := packet.NewReader(bytes.NewReader(envelope)); ; {
		p, err := r.Next()
		if err != nil {
			t.Fatalf("the envelope does not open: %v", err)
		}
		e := p.(*packet.EncryptedKey)
		for _, sub := range by.Entity.Subkeys {
			if e.KeyId == sub.PublicKey.KeyId || bytes.Equal(e.KeyFingerprint, sub.PublicKey.Fingerprint) {
				must(t, e.Decrypt(sub.PrivateKey, nil))
				return e.Key
			}
		}
	}
}

// Whoever left the roster is in no envelope any more.
func TestRenewWithoutWhoLeft(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	for n, kind := range []packet.Config{vaulttest.PostQuantum, vaulttest.V4} {
		left, stays := vaulttest.NewKey(t, kind), vaulttest.NewKey(t, kind)
		v.Sealer(certificate)
		joins(t, v, "left", left.Certificate(t))
		joins(t, v, "stays", stays.Certificate(t))
		s := v.Sealer(certificate, left.Certificate(t), stays.Certificate(t))
		raw, err := desktest.Manifest("une fuite").Encode()
		must(t, err)
		payload := v.Seal(s, raw)
		id := v.Commit(s.Envelope(), payload)
		leaves(t, v, left)
		importParcel(t, d, v.Parcel())
		renew(t, d, n+1) // those of before again: who could read them has left, too
		if done := deliver(t, d, v); done.Envelopes != n+1 || done.Refused != 0 {
			t.Fatalf("the server: %+v", done)
		}
		_, envelope := stored(t, v, id)
		recipients, err := seal.Recipients(envelope)
		must(t, err)
		var readers []seal.Holder
		for _, raw := range [][]byte{certificate, stays.Certificate(t)} {
			h, err := seal.ReadHolder(raw)
			must(t, err)
			readers = append(readers, h)
		}
		if !seal.NamesExactly(recipients, readers, time.Now()) || len(recipients) != 2 {
			t.Errorf("the envelope names %d", len(recipients))
		}
		if plain, err := left.Open(envelope, bytes.NewReader(payload)); err == nil {
			t.Errorf("who left reads %q", plain)
		}
		if plain, err := stays.Open(envelope, bytes.NewReader(payload)); err != nil || !bytes.Equal(plain, raw) {
			t.Errorf("who stayed reads %q, %v", plain, err)
		}
		leaves(t, v, stays)
	}
}

// One run, many submissions; interrupted, it keeps what it made, and twice makes
// nothing twice.
func TestRenewMany(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	for range many {
		v.Submit(certificate, "une fuite")
	}
	newcomer := vaulttest.NewKey(t, vaulttest.PostQuantum)
	joins(t, v, "newcomer", newcomer.Certificate(t))
	importParcel(t, d, v.Parcel())
	r := onlyRenewal(t, d)
	done, err := d.Renew(&endingContext{t.Context(), func() bool { return len(queued(t, home)) >= many/3 }}, r)
	if !errors.Is(err, context.Canceled) || done.Made != many/3 || len(queued(t, home)) != done.Made {
		t.Fatalf("interrupted: %+v, %v", done, err)
	}
	if rest := onlyRenewal(t, d); len(rest.IDs) != many-done.Made {
		t.Errorf("left to do: %d", len(rest.IDs))
	}
	began := time.Now()
	again, err := d.Renew(t.Context(), r) // what a person was shown first still holds
	t.Logf("%d in %v", again.Made, time.Since(began))
	if err != nil || again.Made != many-done.Made || len(queued(t, home)) != many {
		t.Errorf("again: %+v, %v", again, err)
	}
	if none, err := d.Renew(t.Context(), r); err != nil || none.Made != 0 || len(queued(t, home)) != many {
		t.Errorf("twice: %+v, %v", none, err)
	}
	if done := deliver(t, d, v); done.Envelopes != many || done.Refused != 0 || len(queued(t, home)) != 0 {
		t.Errorf("the server: %+v", done)
	}
	noRenewal(t, d)
	for id := range submissions(t, d) {
		e, envelope := stored(t, v, id)
		sessionKey(t, envelope, newcomer)
		if e.Epoch != 2 {
			t.Errorf("%s: epoch %d", id, e.Epoch)
		}
	}
}

// endingContext is over when something is so.
type endingContext struct {
	context.Context
	when func() bool
}

func (c *endingContext) Err() error {
	if c.when() {
		return context.Canceled
	}
	return c.Context.Err()
}
