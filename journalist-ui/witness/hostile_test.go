package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/translog"
)

// hide makes an envelope's first recipient one without a name.
func hide(tb testing.TB, to person, with []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	key, ok := to.entity.EncryptionKey(noon(sent), nil)
	if !ok {
		tb.Fatal("no key")
	}
	err := packet.SerializeEncryptedKeyAEADwithHiddenOption(&b, key.PublicKey, packet.CipherAES256, true, make([]byte, 32), true, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return append(b.Bytes(), with...)
}

// What is wrong with a submission that came is said of it, each in its own kind.
func TestCheck(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	id := s.submit(nice, sent, p.alice, p.bob)
	other := s.submit(nice, sent, p.alice, p.bob)
	carols := s.submit(lyon, sent, p.carol)
	s.setRoster(nice, later, p.alice, p.bob, p.carol)
	s.setRoster(nice, later, p.carol, p.alice)
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings)
	for name, c := range map[string]struct {
		change func(r *Received)
		want   []Kind
	}{
		"as sent":             {func(r *Received) {}, nil},
		"not in the log":      {func(r *Received) { r.ID = vault.NewID().String() }, []Kind{NotInLog}},
		"no id":               {func(r *Received) { r.ID = "../x" }, []Kind{NotInLog}},
		"another channel":     {func(r *Received) { r.Channel = lyon }, []Kind{ChannelDiffers}},
		"another day":         {func(r *Received) { r.Day = made }, []Kind{DayDiffers}},
		"older epoch":         {func(r *Received) { r.Epoch = 1 }, []Kind{EpochEarlier, RecipientAdded}},
		"no such epoch":       {func(r *Received) { r.Epoch = 9 }, []Kind{RosterUnknown}},
		"payloads swapped":    {func(r *Received) { r.Payloads[1], r.Payloads[2] = r.Payloads[2], r.Payloads[1] }, []Kind{PayloadsSwapped}},
		"another's payload":   {func(r *Received) { r.Payloads[1] = s.subs[other].Payloads[1] }, []Kind{PayloadDiffers}},
		"payload left out":    {func(r *Received) { r.Payloads = r.Payloads[:2] }, []Kind{PayloadMissing}},
		"payload put in":      {func(r *Received) { r.Payloads = append(r.Payloads, digest("x")) }, []Kind{PayloadAdded}},
		"payload in between":  {func(r *Received) { r.Payloads = slices.Insert(r.Payloads, 2, digest("x")) }, []Kind{PayloadDiffers, PayloadAdded}},
		"another's envelope":  {func(r *Received) { r.Envelope = s.subs[carols].Envelope }, []Kind{RecipientAdded, RecipientMissing}},
		"recipient added":     {func(r *Received) { r.Envelope = append(r.Envelope, sealTo(t, sent, p.mallory)...) }, []Kind{RecipientAdded}},
		"recipient left out":  {func(r *Received) { r.Envelope = sealTo(t, sent, p.alice) }, []Kind{RecipientMissing}},
		"recipient twice":     {func(r *Received) { r.Envelope = append(r.Envelope, sealTo(t, sent, p.bob)...) }, []Kind{RecipientTwice}},
		"recipient exchanged": {func(r *Received) { r.Envelope = sealTo(t, sent, p.alice, p.mallory) }, []Kind{RecipientAdded, RecipientMissing}},
		"recipient hidden":    {func(r *Received) { r.Envelope = hide(t, p.mallory, r.Envelope) }, []Kind{RecipientHidden}},
		"no envelope":         {func(r *Received) { r.Envelope = nil }, []Kind{EnvelopeUnreadable}},
		"torn envelope":       {func(r *Received) { r.Envelope = r.Envelope[:len(r.Envelope)-1] }, []Kind{EnvelopeUnreadable}},
		"new envelope": {func(r *Received) {
			r.Epoch, r.Envelope = 3, sealTo(t, later, p.alice, p.bob, p.carol)
		}, nil},
		"new envelope, old recipients": {func(r *Received) { r.Epoch = 3 }, []Kind{RecipientMissing}},
		"new envelope, one too many":   {func(r *Received) { r.Epoch, r.Envelope = 4, sealTo(t, later, p.alice, p.bob, p.carol) }, []Kind{RecipientAdded}},
		"new envelope, order is free":  {func(r *Received) { r.Epoch, r.Envelope = 4, sealTo(t, later, p.alice, p.carol) }, nil},
		"everything": {func(r *Received) {
			r.Channel, r.Day, r.Payloads, r.Envelope = lyon, made, nil, hide(t, p.mallory, sealTo(t, sent, p.mallory))
		}, []Kind{ChannelDiffers, DayDiffers, PayloadMissing, RecipientHidden, RecipientAdded, RecipientMissing}},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.got(id)
			c.change(&r)
			found := b.Check(r)
			wantKinds(t, found, c.want...)
			for _, f := range found {
				if f.ID != r.ID {
					t.Errorf("%s names %q", f.Kind, f.ID)
				}
				if f.Kind == RecipientMissing && f.Fingerprint == "" || f.Kind == RecipientAdded && f.Key == "" {
					t.Errorf("%+v names nobody", f)
				}
			}
		})
	}
}

// A reviewer whose certificate had expired is left out by an honest server, and
// only then.
func TestExpiredRecipient(t *testing.T) {
	p := people()
	s := newServer(t)
	s.setRoster(nice, made)
	s.setRoster(nice, made, p.alice, p.brief)
	before, after := s.submit(nice, "2026-01-03", p.alice), s.submit(nice, sent, p.alice)
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings)
	wantKinds(t, b.Check(s.got(before)), RecipientMissing)
	wantKinds(t, b.Check(s.got(after)), RecipientExpired)
	if !RecipientExpired.Notice() || RecipientMissing.Notice() {
		t.Error("which is a notice")
	}
}

// Envelopes of SEIPDv1 name key ids only.
func TestCheckOldCertificates(t *testing.T) {
	p := people()
	s := newServer(t)
	s.setRoster(nice, made)
	s.setRoster(nice, made, p.alice, p.oldAnna)
	id := s.submit(nice, sent, p.alice, p.oldAnna)
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings)
	r := s.got(id)
	wantKinds(t, b.Check(r))
	r.Envelope = sealTo(t, sent, p.alice, p.oldAnna, p.oldMax)
	found := b.Check(r)
	wantKinds(t, found, RecipientAdded)
	if want := fmt.Sprintf("%016X", p.oldMax.entity.Subkeys[0].PublicKey.KeyId); found[0].KeyID != want {
		t.Errorf("names %s, not %s", found[0].KeyID, want)
	}
	r.Envelope = sealTo(t, sent, p.oldAnna)
	wantKinds(t, b.Check(r), RecipientMissing)
	r.Envelope = append(sealTo(t, sent, p.oldAnna, p.alice), sealTo(t, sent, p.oldMax, p.oldAnna)...)
	wantKinds(t, b.Check(r), RecipientAdded, RecipientTwice)
}

// Leaves of a day that was over when the log was seen last, told once for each
// visit that saw a later day. The first visit and a long upload are nothing strange.
func TestBackdated(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	s.submit(nice, later)
	s.submit(nice, sent)
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings)
	s.submit(nice, "2026-02-28")
	wantKinds(t, s.mustTell(b).Findings)
	first := s.size()
	id := s.submit(nice, "2026-02-27")
	s.add(translog.Policy{Channel: lyon, Day: sent})
	s.deleteByOrder(id, nice, sent, p.bob)
	found := s.mustTell(b).Findings
	want := []Finding{{Kind: LeafBackdated, Leaf: first, Day: "2026-02-27", Known: 3}}
	if !slices.Equal(found, want) {
		t.Errorf("%+v", found)
	}
	s.submit(nice, "2026-04-01")
	wantKinds(t, s.mustTell(b).Findings)
	second := s.size()
	s.submit(nice, later)
	want = append(want, Finding{Kind: LeafBackdated, Leaf: second, Day: later, Known: 1})
	if found = s.mustTell(b).Findings; !slices.Equal(found, want[1:]) {
		t.Errorf("%+v", found)
	}
	found, err := openBook(t, b.fs.(disk).folder, s).Audit(context.Background(), Holdings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range want {
		if !slices.Contains(found, f) {
			t.Errorf("the audit misses %+v: %+v", f, found)
		}
	}
}

// Another's expired certificate is no excuse for leaving a reviewer out.
func TestForeignExpiredCertificate(t *testing.T) {
	p := people()
	fake := p.bob
	fake.cert = p.brief.cert
	s := newServer(t)
	s.setRoster(nice, made)
	s.setRoster(nice, made, p.alice, fake)
	id := s.submit(nice, sent, p.alice)
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings, CertificateDiffers)
	wantKinds(t, b.Check(s.got(id)), RecipientMissing)
}

// A subkey that the server hangs on a reviewer's certificate is nobody's.
func TestForeignSubkey(t *testing.T) {
	p := people()
	forged := p.bob
	var b bytes.Buffer
	for _, part := range [][]byte{p.bob.cert, subkeyPackets(t, p.mallory)} {
		b.Write(part)
	}
	forged.cert = b.Bytes()
	s := newServer(t)
	s.setRoster(nice, made)
	s.setRoster(nice, made, p.alice, forged)
	id := s.submit(nice, sent, p.alice, p.mallory)
	book := newBook(t, s)
	s.mustTell(book)
	wantKinds(t, book.Check(s.got(id)), RecipientAdded, RecipientMissing)
}

// subkeyPackets are a certificate's encryption subkey and its binding.
func subkeyPackets(t *testing.T, p person) []byte {
	var b bytes.Buffer
	sub := p.entity.Subkeys[0]
	if err := sub.Serialize(&b, false); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What contradicts itself in a log that the vault signed is found when it is
// imported, and by every audit.
func TestExamine(t *testing.T) {
	p := people()
	for name, c := range map[string]struct {
		do   func(s *server)
		want []Kind
	}{
		"submission twice": {func(s *server) { s.addRaw(s.leaves[s.numbers[s.submit(nice, sent)]]) }, []Kind{SubmissionTwice}},
		"deletion twice": {func(s *server) {
			s.deleteByOrder(s.submit(nice, sent), nice, later, p.bob)
			s.addRaw(s.leaves[s.size()-1])
		}, []Kind{DeletionTwice}},
		"deletion of nothing": {func(s *server) {
			s.add(translog.Deletion{ID: vault.NewID().String(), Channel: nice, Day: later, Reason: translog.ByRetention})
		}, []Kind{DeletionOfNothing}},
		"epoch skipped": {func(s *server) {
			r := s.rosters[nice]
			r.Epoch += 2
			s.putRoster(r, later)
		}, []Kind{RosterSkipped}},
		"channel without a beginning": {func(s *server) { s.putRoster(vault.Roster{Channel: "Paris", Epoch: 1}, later) }, []Kind{RosterSkipped}},
		"two rosters of an epoch": {func(s *server) {
			r := s.rosters[nice]
			r.Members = r.Members[:1]
			s.putRoster(r, later)
		}, []Kind{RosterTwice}},
		"epochs in another order": {func(s *server) {
			s.setRoster(nice, later, p.bob)
			s.setRoster(nice, later, p.alice)
			n := len(s.leaves)
			s.leaves[n-1], s.leaves[n-2] = s.leaves[n-2], s.leaves[n-1]
			s.rebuild()
		}, nil},
		"sealed to an unknown roster": {func(s *server) {
			r := s.rosters[nice]
			r.Epoch = 7
			s.rosters[nice] = r
			s.submit(nice, sent)
		}, []Kind{RosterUnknown}},
		"sealed to others than the roster": {func(s *server) {
			r := s.rosters[nice]
			r.Members = append(slices.Clone(r.Members), vault.Member{Fingerprint: p.mallory.finger})
			s.rosters[nice] = r
			s.submit(nice, sent)
		}, []Kind{RecipientsDiffer}},
		"roster file left out": {func(s *server) {
			s.setRoster(nice, later, p.bob)
			delete(s.files, sumOf(mustJSON(s.rosters[nice])))
		}, []Kind{RosterFileMissing}},
		"roster file lists others": {func(s *server) {
			r := s.rosters[nice]
			r.Epoch++
			raw := mustJSON(r)
			s.files[sumOf(raw)] = raw
			s.add(translog.Roster{Channel: nice, Day: later, Epoch: r.Epoch, SHA256: sumOf(raw),
				Members: []translog.Member{{Name: "Alice", Fingerprint: p.alice.finger}}})
		}, []Kind{RosterMembersDiffer}},
		"roster file of another epoch": {func(s *server) {
			r := s.rosters[nice]
			raw := mustJSON(r)
			leaf := translog.Roster{Channel: nice, Day: later, Epoch: r.Epoch + 1, SHA256: sumOf(raw)}
			for _, m := range r.Members {
				leaf.Members = append(leaf.Members, translog.Member{Name: m.Name, Fingerprint: m.Fingerprint})
			}
			s.add(leaf)
		}, []Kind{RosterMembersDiffer}},
		"another's certificate": {func(s *server) {
			fake := p.bob
			fake.cert = p.mallory.cert
			s.setRoster(nice, later, p.alice, fake)
		}, []Kind{CertificateDiffers}},
		"no certificate": {func(s *server) {
			fake := p.bob
			fake.cert = []byte("x")
			s.setRoster(nice, later, p.alice, fake)
		}, []Kind{CertificateDiffers}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t).channels()
			b := newBook(t, s)
			s.mustTell(b)
			c.do(s)
			wantKinds(t, s.mustTell(b).Findings, c.want...)
			found, err := openBook(t, b.fs.(disk).folder, s).Audit(context.Background(), s.all(p.carol))
			if err != nil {
				t.Fatal(err)
			}
			wantKinds(t, found, c.want...)
		})
	}
}

func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// A roster's file that changes on the desk's disk is found, and mended by the
// next parcel that brings it.
func TestRosterFileDiffers(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	id := s.submit(nice, sent, p.alice, p.bob)
	b := newBook(t, s)
	s.mustTell(b)
	sum := sumOf(mustJSON(s.rosters[nice]))
	path := b.fs.(disk).at(rosterFile(sum))
	write(t, path, bytes.Replace(s.files[sum], []byte("Alice"), []byte("Alicf"), 1))
	b = openBook(t, b.fs.(disk).folder, s)
	wantKinds(t, b.Check(s.got(id)), RosterFileDiffers)
	found, err := b.Audit(context.Background(), s.all(p.alice))
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, found, RosterFileDiffers)
	s.mustTell(b)
	wantKinds(t, b.Check(s.got(id)))
}

// What did not come, and what was deleted as nobody may.
func TestMissing(t *testing.T) {
	p := people()
	policy := func(s *server, day string, retention, limit int) {
		s.add(translog.Policy{Channel: nice, Day: day, Retention: retention, Limit: limit})
	}
	deletion := func(reason string) func(s *server, id string, day string) {
		return func(s *server, id, day string) {
			s.add(translog.Deletion{ID: id, Channel: nice, Day: day, Reason: reason})
		}
	}
	retention, limit := deletion(translog.ByRetention), deletion(translog.ByLimit)
	ordered := func(s *server, id string, by person, sum string) {
		s.add(translog.Deletion{ID: id, Channel: nice, Day: later, Reason: translog.ByOrder, By: by.finger, Order: sum})
	}
	for name, c := range map[string]struct {
		do   func(s *server, id string, h *Holdings)
		want []Kind
	}{
		"dropped":       {func(s *server, id string, h *Holdings) {}, []Kind{Dropped}},
		"announced":     {func(s *server, id string, h *Holdings) { h.Announced = 1 }, []Kind{Awaited}},
		"more than it":  {func(s *server, id string, h *Holdings) { h.Announced = 1; s.submit(nice, sent); h.Here = nil }, []Kind{Dropped}},
		"not a member":  {func(s *server, id string, h *Holdings) { s.setRoster(nice, later, p.bob) }, []Kind{Withheld}},
		"ordered":       {func(s *server, id string, h *Holdings) { s.deleteByOrder(id, nice, later, p.bob) }, nil},
		"nobody's word": {func(s *server, id string, h *Holdings) { ordered(s, id, p.bob, digest("x")) }, []Kind{OrderMissing}},
		"nobody's word, though it is here": {func(s *server, id string, h *Holdings) {
			ordered(s, id, p.bob, digest("x"))
			h.Here = func(string) bool { return true }
		}, []Kind{OrderMissing}},
		"order of another channel's reviewer": {func(s *server, id string, h *Holdings) {
			s.deleteByOrder(id, nice, later, p.carol)
		}, []Kind{OrderNotAllowed}},
		"order of a stranger": {func(s *server, id string, h *Holdings) { s.deleteByOrder(id, nice, later, p.mallory) }, []Kind{OrderNotAllowed}},
		"order of someone removed before": {func(s *server, id string, h *Holdings) {
			s.setRoster(nice, "2026-02-01", p.alice)
			s.deleteByOrder(id, nice, later, p.bob)
		}, []Kind{OrderNotAllowed}},
		"order of someone removed that day": {func(s *server, id string, h *Holdings) {
			s.setRoster(nice, later, p.alice)
			s.deleteByOrder(id, nice, later, p.bob)
		}, nil},
		"order of someone added later": {func(s *server, id string, h *Holdings) {
			s.deleteByOrder(id, nice, later, p.carol)
			s.setRoster(nice, "2026-03-02", p.alice, p.bob, p.carol)
		}, []Kind{OrderNotAllowed}},
		"order used for another submission": {func(s *server, id string, h *Holdings) {
			other := s.submit(nice, sent)
			sum := s.order(p.bob, later, s.public, order.Deletion{ID: other, Channel: nice})
			ordered(s, id, p.bob, sum)
			ordered(s, other, p.bob, sum)
		}, []Kind{OrderElsewhere}},
		"order for the id in another channel": {func(s *server, id string, h *Holdings) {
			ordered(s, id, p.bob, s.order(p.bob, later, s.public, order.Deletion{ID: id, Channel: lyon}))
		}, []Kind{OrderElsewhere}},
		"order for another vault": {func(s *server, id string, h *Holdings) {
			ordered(s, id, p.bob, s.order(p.bob, later, newServer(t).public, order.Deletion{ID: id, Channel: nice}))
		}, []Kind{OrderOtherVault}},
		"order under another name": {func(s *server, id string, h *Holdings) {
			ordered(s, id, p.alice, s.order(p.bob, later, s.public, order.Deletion{ID: id, Channel: nice}))
		}, []Kind{OrderOtherSigner}},
		"order with another's signature": {func(s *server, id string, h *Holdings) {
			sum := s.order(p.bob, later, s.public, order.Deletion{ID: id, Channel: nice})
			foreign := s.order(p.mallory, later, s.public, order.Deletion{ID: id, Channel: nice})
			line, _, _ := bytes.Cut(s.orders[sum], []byte("\n"))
			_, signature, _ := bytes.Cut(s.orders[foreign], []byte("\n"))
			s.orders[sum] = append(append(slices.Clone(line), '\n'), signature...)
			ordered(s, id, p.bob, sum)
		}, []Kind{OrderSignature}},
		"order that is none": {func(s *server, id string, h *Holdings) {
			s.orders[sumOf([]byte("{}"))] = []byte("{}\n")
			ordered(s, id, p.bob, sumOf([]byte("{}")))
		}, []Kind{OrderSignature}},
		"order made after it": {func(s *server, id string, h *Holdings) {
			ordered(s, id, p.bob, s.order(p.bob, "2026-03-04", s.public, order.Deletion{ID: id, Channel: nice}))
		}, []Kind{OrderSignature}},
		"deleted in another channel": {func(s *server, id string, h *Holdings) {
			s.deleteByOrder(id, lyon, later, p.carol)
		}, []Kind{DeletionChannel}},
		"deleted before it came": {func(s *server, id string, h *Holdings) { retention(s, id, made) }, []Kind{DeletionBackdated}},

		"retention by default":        {func(s *server, id string, h *Holdings) { retention(s, id, "2026-02-09") }, nil},
		"retention a day early":       {func(s *server, id string, h *Holdings) { retention(s, id, "2026-02-08") }, []Kind{RetentionEarly}},
		"retention a day early, here": {func(s *server, id string, h *Holdings) { h.Here = s.all(p.alice).Here; retention(s, id, "2026-02-08") }, []Kind{RetentionEarly}},
		"retention never":             {func(s *server, id string, h *Holdings) { policy(s, made, 0, 0); retention(s, id, later) }, []Kind{RetentionNone}},
		"retention by policy":         {func(s *server, id string, h *Holdings) { policy(s, made, 5, 0); retention(s, id, "2026-01-15") }, nil},
		"retention before the policy": {func(s *server, id string, h *Holdings) { retention(s, id, "2026-01-15"); policy(s, "2026-01-16", 5, 0) }, []Kind{RetentionEarly}},
		"retention on the policy's day": {func(s *server, id string, h *Holdings) {
			retention(s, id, "2026-01-16")
			policy(s, "2026-01-16", 5, 0)
		}, nil},
		"retention of an older policy": {func(s *server, id string, h *Holdings) {
			policy(s, made, 5, 0)
			policy(s, "2026-01-11", 300, 0)
			retention(s, id, "2026-01-20")
		}, []Kind{RetentionEarly}},
		"retention, never acknowledged": {func(s *server, id string, h *Holdings) {
			h.Acknowledged = nil
			retention(s, id, later)
		}, []Kind{RetentionUnacknowledged}},
		"retention, acknowledged at an unknown day": {func(s *server, id string, h *Holdings) {
			h.Acknowledged = func(string) (string, bool) { return "", true }
			retention(s, id, later)
		}, nil},
		"retention, acknowledged late": {func(s *server, id string, h *Holdings) {
			h.Acknowledged = func(string) (string, bool) { return "2026-02-20", true }
			retention(s, id, later)
		}, []Kind{RetentionEarly}},
		"retention, not asked any more": {func(s *server, id string, h *Holdings) {
			h.Acknowledged = nil
			s.setRoster(nice, "2026-01-11", p.bob)
			retention(s, id, later)
		}, nil},
		"retention, removed from the roster afterwards": {func(s *server, id string, h *Holdings) {
			h.Acknowledged = nil
			retention(s, id, later)
			s.setRoster(nice, "2026-03-02", p.bob)
		}, []Kind{RetentionUnacknowledged}},
		"limit":       {func(s *server, id string, h *Holdings) { policy(s, made, 0, 10); limit(s, id, "2026-01-21") }, nil},
		"limit early": {func(s *server, id string, h *Holdings) { policy(s, made, 30, 10); limit(s, id, "2026-01-19") }, []Kind{LimitEarly}},
		"limit none":  {func(s *server, id string, h *Holdings) { limit(s, id, later) }, []Kind{LimitNone}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t).channels()
			id := s.submit(nice, sent)
			s.submit(nice, sent)
			s.submit(lyon, sent) // addressed to Carol: nobody misses it
			h := s.all(p.alice, id)
			c.do(s, id, &h)
			b := newBook(t, s)
			s.mustTell(b)
			found, err := b.Missing(h)
			if err != nil {
				t.Fatal(err)
			}
			wantKinds(t, found, c.want...)
			for _, f := range found {
				if len(f.ID) != 26 || !strings.Contains(string(s.leaves[f.Leaf]), f.ID) {
					t.Errorf("%+v is not about its leaf", f)
				}
			}
			audited, err := b.Audit(context.Background(), h)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range c.want {
				if !slices.Contains(kinds(audited), k) {
					t.Errorf("the audit misses %s: %v", k, kinds(audited))
				}
			}
		})
	}
}

// A payload whose digest looks like a reviewer is not addressed to them.
func TestAddressed(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	looks := translog.RecipientHash(p.carol.finger)
	s.add(translog.Submission{ID: vault.NewID().String(), Channel: nice, Day: sent, Epoch: 2, Payloads: []string{looks},
		Recipients: hashes(translog.Roster{Members: []translog.Member{{Fingerprint: p.alice.finger}, {Fingerprint: p.bob.finger}}})})
	b := newBook(t, s)
	wantKinds(t, s.mustTell(b).Findings)
	for who, want := range map[*person][]Kind{&p.alice: {Dropped}, &p.bob: {Dropped}, &p.carol: nil, &p.mallory: nil} {
		found, err := b.Missing(Holdings{Fingerprint: who.finger})
		if err != nil {
			t.Fatal(err)
		}
		wantKinds(t, found, want...)
	}
}

// An audit judges what is addressed to others as far as it can.
func TestAuditOfOthers(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	unseen, bad, early := s.submit(lyon, sent), s.submit(lyon, sent), s.submit(lyon, sent)
	s.add(translog.Deletion{ID: unseen, Channel: lyon, Day: later, Reason: translog.ByOrder, By: p.carol.finger, Order: digest("x")})
	s.deleteByOrder(bad, lyon, later, p.bob)
	s.add(translog.Deletion{ID: early, Channel: lyon, Day: sent, Reason: translog.ByRetention})
	b := newBook(t, s)
	s.mustTell(b)
	found, err := b.Audit(context.Background(), s.all(p.alice))
	if err != nil {
		t.Fatal(err)
	}
	wantKinds(t, found, OrderNotAllowed, RetentionEarly)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Audit(ctx, s.all(p.alice)); err == nil {
		t.Error("not cancelled")
	}
}

func TestEvents(t *testing.T) {
	p := people()
	s := newServer(t).channels()
	b := newBook(t, s)
	change := s.mustTell(b)
	var told []EventKind
	for _, e := range change.Events {
		told = append(told, e.Kind)
	}
	want := []EventKind{ChannelMade, ReviewerAdded, ChannelMade, ReviewerAdded, ReviewerAdded}
	if !slices.Equal(told, want) {
		t.Fatalf("told %v", told)
	}
	id := s.submit(nice, sent)
	renamed := p.alice
	renamed.name = "Alix"
	s.setRoster(nice, "2026-02-01", renamed, p.carol)
	s.add(translog.Policy{Channel: nice, Day: "2026-02-02", Retention: 10, Limit: 90})
	s.deleteByOrder(id, nice, later, p.bob)
	change = s.mustTell(b)
	from := change.From
	wantEvents := []Event{
		{Kind: ReviewerRemoved, Leaf: from + 1, Channel: nice, Day: "2026-02-01", Epoch: 3, Name: "Bob", Fingerprint: p.bob.finger},
		{Kind: ReviewerRenamed, Leaf: from + 1, Channel: nice, Day: "2026-02-01", Epoch: 3, Name: "Alix", Fingerprint: p.alice.finger},
		{Kind: ReviewerAdded, Leaf: from + 1, Channel: nice, Day: "2026-02-01", Epoch: 3, Name: "Carol", Fingerprint: p.carol.finger},
		{Kind: PolicyChanged, Leaf: from + 2, Channel: nice, Day: "2026-02-02", Retention: 10, Limit: 90},
		{Kind: SubmissionDeleted, Leaf: from + 3, Channel: nice, Day: later, ID: id, Reason: translog.ByOrder,
			Name: "Bob", Fingerprint: p.bob.finger, Order: change.Events[len(change.Events)-1].Order},
	}
	if !slices.Equal(change.Events, wantEvents) {
		t.Errorf("told %+v", change.Events)
	}
	again, err := b.Events(from)
	if err != nil || !slices.Equal(again, change.Events) {
		t.Errorf("told again %+v %v", again, err)
	}
	if all, err := b.Events(0); err != nil || len(all) != len(want)+len(wantEvents) {
		t.Error(len(all), err)
	}
	if none, err := b.Events(s.size()); err != nil || len(none) != 0 {
		t.Error(none, err)
	}
}
