package pickup

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

// join puts somebody on a channel's roster.
func (s *server) join(channel string, m vault.Member) {
	s.t.Helper()
	if _, err := s.vault.AddMember(ctx, channel, m); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) member(i int) vault.Member {
	s.t.Helper()
	roster, err := s.vault.Roster("Nice")
	if err != nil {
		s.t.Fatal(err)
	}
	return roster.Members[i]
}

func stranger(t *testing.T) vault.Member {
	t.Helper()
	certificate := vaulttest.NewKey(t, vaulttest.X25519).Certificate(t)
	c, err := seal.ParseCertificate(certificate, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return vault.Member{Fingerprint: c.Fingerprint(), Certificate: certificate}
}

// Who was removed gets nothing more under the address of before, however fresh the
// plan for it is, not the rest of a download either. Everybody else goes on.
func TestRemovedReviewer(t *testing.T) {
	s := newServer(t)
	s.commit(200_000)
	alice, elise := s.member(0), s.member(1)
	if err := s.vault.AddChannel(ctx, "Lyon"); err != nil { // of which she is still one
		t.Fatal(err)
	}
	s.join("Lyon", alice)
	c, events := serve(t, s)
	type download struct{ path, tag, whole string }
	begin := func(of string) download {
		path := link(t, c, of)
		response, whole := get(t, c, path)
		return download{path, response.Header.Get("ETag"), whole}
	}
	goesOn := func(when string, d download) {
		t.Helper()
		response, rest := get(t, c, d.path, "Range", "bytes=1000-", "If-Range", d.tag)
		if response.StatusCode != http.StatusPartialContent || rest != d.whole[1000:] {
			t.Errorf("%s: %d, %d bytes", when, response.StatusCode, len(rest))
		}
	}
	hers, other := begin(alice.Fingerprint), begin(elise.Fingerprint)
	goesOn("at first", hers)
	goesOn("at first", other)
	s.join("Nice", stranger(t))
	goesOn("when somebody joined", hers)
	if _, err := s.vault.RemoveMember(ctx, "Nice", alice.Fingerprint); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "again"} {
		goesOn("the other, "+when, other)
		response, got := get(t, c, hers.path, "Range", "bytes=1000-", "If-Range", hers.tag)
		if response.StatusCode != http.StatusOK || response.Header.Get("ETag") == hers.tag || strings.Contains(got, "/envelope.pgp") {
			t.Errorf("%s: %d, %d bytes", when, response.StatusCode, len(got))
		}
		if response, got := get(t, c, hers.path, "Range", "bytes=1000-"); strings.Contains(got, "/envelope.pgp") || strings.Contains(hers.whole, got) {
			t.Errorf("%s, without a condition: %d, %d bytes", when, response.StatusCode, len(got))
		}
	}
	if list := events(); len(list) != 0 {
		t.Errorf("events %q", list)
	}
}

// A plan that was made while a roster changed is not kept beyond that, and those
// of older rosters take no room.
func TestPlansOfOldRosters(t *testing.T) {
	s := newServer(t)
	s.commit(16)
	size, err := s.vault.Batch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p := newPlans(s)
	defer p.clear()
	ask := func(want int) {
		t.Helper()
		for range 2 {
			if _, err := p.get(ctx, Request{Size: size}); err != nil {
				t.Fatal(err)
			}
		}
		if s.plans != want || len(p.kept) != 1 {
			t.Errorf("%d plans made, want %d; %d kept", s.plans, want, len(p.kept))
		}
	}
	ask(1)
	s.join("Nice", stranger(t))
	ask(2)
	s.during = func() { s.join("Nice", stranger(t)) }
	s.join("Nice", stranger(t))
	if _, err := p.get(ctx, Request{Size: size}); err != nil {
		t.Fatal(err)
	}
	s.during = nil
	ask(4) // not the one that is too old already
}
