package pickup

import (
	"embed"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sourdine/vault"
	"sourdine/vault/translog"
)

//go:embed *.go
var goFiles embed.FS

var links = regexp.MustCompile(`href="(/parcel\.tar[^"]*)"`)

// link is the first parcel that the page offers to a reviewer.
func link(t *testing.T, c *http.Client, reviewer string) string {
	t.Helper()
	_, page := get(t, c, "/parcels?reviewer="+reviewer)
	found := links.FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no link: %s", page)
	}
	return strings.ReplaceAll(found[1], "&amp;", "&")
}

// A download goes on, byte for byte, wherever it broke off, also while the
// vault's log grows.
func TestResume(t *testing.T) {
	s := newServer(t)
	s.commit(1 << 20)
	s.commit(300_000)
	c, events := serve(t, s)
	path := link(t, c, s.members[0].Fingerprint)
	whole, want := get(t, c, path)
	tag := whole.Header.Get("ETag")
	if len(want) < 1_300_000 || whole.Header.Get("Accept-Ranges") != "bytes" || len(tag) != 66 || !strings.Contains(whole.Header.Get("Content-Disposition"), s.members[0].Fingerprint[:16]) {
		t.Fatalf("%d bytes, %v", len(want), whole.Header)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for n := range 25 {
		from := random.IntN(len(want))
		to := from + random.IntN(len(want)-from)
		if n%5 == 0 {
			s.commit(1000) // the log grows
			if _, err := s.vault.Batch(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if n == 12 { // as after ten minutes, or a restart
			s.forgetPlans(t, c)
		}
		response, got := get(t, c, path, "Range", fmt.Sprintf("bytes=%d-%d", from, to), "If-Range", tag)
		if response.StatusCode != http.StatusPartialContent || got != want[from:to+1] || response.Header.Get("ETag") != tag {
			t.Fatalf("bytes %d to %d: %d, %d bytes, ETag %s", from, to, response.StatusCode, len(got), response.Header.Get("ETag"))
		}
	}
	if response, got := get(t, c, path, "Range", fmt.Sprintf("bytes=%d-", len(want)-100), "If-Range", tag); got != want[len(want)-100:] {
		t.Errorf("the end: %d, %d bytes", response.StatusCode, len(got))
	}
	if response, _ := get(t, c, path, "Range", fmt.Sprintf("bytes=%d-", len(want))); response.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("behind the end: %d", response.StatusCode)
	}
	if response, _ := get(t, c, path, "If-None-Match", tag); response.StatusCode != http.StatusNotModified {
		t.Errorf("the same again: %d", response.StatusCode)
	}
	if s.plans > 3 { // a changed vault makes none
		t.Errorf("%d plans for one address", s.plans)
	}
	if next := link(t, c, s.members[0].Fingerprint); next == path {
		t.Error("the page offers the parcel of an old log")
	}
	if list := events(); len(list) != 0 {
		t.Errorf("events %q", list)
	}
}

// forgetPlans makes the site forget: an upload does.
func (s *server) forgetPlans(t *testing.T, c *http.Client) {
	t.Helper()
	if _, err := c.Post(site+"/return", "text/plain", nil); err != nil {
		t.Fatal(err)
	}
}

// What the vault does not have any more changes the parcel: who goes on gets the
// new one, whole.
func TestResumeOfAChangedParcel(t *testing.T) {
	s := newServer(t)
	s.commit(100_000)
	gone := s.commit(100_000)
	c, _ := serve(t, s)
	path := link(t, c, "")
	whole, want := get(t, c, path)
	tag := whole.Header.Get("ETag")
	if err := s.vault.Delete(ctx, []vault.Deletion{{ID: gone, Reason: translog.ByLimit}}); err != nil {
		t.Fatal(err)
	}
	// The kept plan cannot be read: the download breaks off, never short.
	if _, body, err := do(t, c, http.MethodGet, path); err == nil {
		t.Fatalf("%d bytes of a parcel that cannot be read", len(body))
	}
	response, got := get(t, c, path, "Range", "bytes=1000-", "If-Range", tag)
	if response.StatusCode != http.StatusOK || response.Header.Get("ETag") == tag || len(got) >= len(want) || !strings.HasPrefix(got, "parcel.note") {
		t.Errorf("%d, %d bytes", response.StatusCode, len(got))
	}
}

// Nobody's plans are kept for ever, nor more than a few.
func TestPlansAreBounded(t *testing.T) {
	s := newServer(t)
	first, err := s.vault.Batch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for range 12 {
		s.commit(16)
		if _, err := s.vault.Batch(ctx); err != nil {
			t.Fatal(err)
		}
	}
	p := newPlans(s)
	for size := range int64(12) {
		if _, err := p.get(ctx, Request{Size: first + size + 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := p.get(ctx, Request{Size: first + size + 1}); err != nil {
			t.Fatal(err)
		}
	}
	if s.plans != 12 || len(p.kept) != maxPlans {
		t.Errorf("%d made, %d kept", s.plans, len(p.kept))
	}
	for range 2 { // of this moment: not kept
		if _, err := p.get(ctx, Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if s.plans != 14 || len(p.kept) != maxPlans {
		t.Errorf("%d made, %d kept", s.plans, len(p.kept))
	}
	latest := p.kept[maxPlans-1]
	p.drop(latest.request, latest.plan)
	if len(p.kept) != maxPlans-1 {
		t.Errorf("%d kept", len(p.kept))
	}
	p.clear()
	if _, err := p.get(ctx, Request{Size: first + 1}); err != nil || len(p.kept) != 0 {
		t.Errorf("closed: %v, %d kept", err, len(p.kept))
	}
}

// The parts of one page carry everything, each once.
func TestParts(t *testing.T) {
	s := newServer(t)
	for range 3 {
		s.commit(1000)
	}
	c, _ := serve(t, s)
	_, page := get(t, c, "/parcels?lang=en")
	if len(links.FindAllString(page, -1)) != 1 || strings.Contains(page, "part 1") {
		t.Errorf("%s", page)
	}
	response, body, err := do(t, c, http.MethodGet, strings.ReplaceAll(links.FindStringSubmatch(page)[1], "&amp;", "&"))
	if err != nil || response.StatusCode != http.StatusOK || strings.Count(body, "/envelope.pgp\x00") != 3 {
		t.Errorf("%v, %v", response, err)
	}
	all, err := s.vault.LogSize()
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("size=%d", all); !strings.Contains(page, want) {
		t.Errorf("the link does not say %s", want)
	}
}
