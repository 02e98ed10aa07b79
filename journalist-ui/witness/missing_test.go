package witness

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/translog"
)

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
		"dropped":   {func(s *server, id string, h *Holdings) {}, []Kind{Dropped}},
		"announced": {func(s *server, id string, h *Holdings) { h.Part = &Part{Size: s.size(), Left: 1} }, []Kind{Awaited}},
		"more than it": {func(s *server, id string, h *Holdings) {
			s.submit(nice, sent)
			h.Here, h.Part = nil, &Part{Size: s.size(), Left: 1}
		}, []Kind{Dropped}},
		"dropped, then not a member": {func(s *server, id string, h *Holdings) {
			h.Dropped = func(string) bool { return true }
			s.setRoster(nice, later, p.bob)
		}, []Kind{Dropped}},
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
		"the rest of the order": {func(s *server, id string, h *Holdings) {
			o := &order.Return{VaultKey: s.public, Reviewer: p.bob.finger, Sequence: 1}
			signed, err := o.Sign([]order.Deletion{{ID: id, Channel: nice}}, p.bob.entity, noon(later))
			if err != nil {
				t.Fatal(err)
			}
			s.orders[sumOf(signed.Return)] = slices.Concat(signed.Return, []byte("\n"), signed.ReturnSignature)
			ordered(s, id, p.bob, sumOf(signed.Return))
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
		"limit early": {func(s *server, id string, h *Holdings) { policy(s, made, 30, 10); limit(s, id, "2026-01-20") }, []Kind{LimitEarly}},
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
