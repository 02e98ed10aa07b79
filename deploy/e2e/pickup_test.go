//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sourdine/deploy/e2e/browser"
	"sourdine/deploy/e2e/program"
	"sourdine/onion/tornet"
	"sourdine/vault/clientkey"
)

// A reviewerAtPickup reaches pickup with a tor that has the client key.
type reviewerAtPickup struct {
	t       *testing.T
	visitor *program.Visitor
	tor     *tornet.Client
	onion   string
}

// atPickup is refused without the client key, and let in with it.
func (j *journey) atPickup() *reviewerAtPickup {
	t := j.t
	onion := j.server.Line(t, "pickup-onion", 2*time.Minute)
	stranger := j.server.Through(t, j.client("stranger").SOCKSAddr(), onion)
	if response, err := stranger.Client.Get(onion); err == nil {
		response.Body.Close()
		t.Fatalf("pickup answered somebody without the client key: %s", response.Status)
	} else {
		// SOCKS extended error F4: "onion service missing client authorization".
		if !strings.Contains(err.Error(), "244") {
			t.Errorf("without the client key: %v", err)
		}
	}
	key, err := clientkey.ParsePrivate(strings.TrimSpace(j.desk.Run(t, "client-key", "--home", j.desk.Home, "--passphrase-file", j.desk.Passphrase)))
	if err != nil {
		t.Fatal(err)
	}
	reviewer := j.client("reviewer")
	if err := reviewer.AddClientAuth(j.ctx, strings.TrimSuffix(strings.TrimPrefix(onion, "http://"), "/"), key); err != nil {
		t.Fatal(err)
	}
	visitor := j.server.Through(t, reviewer.SOCKSAddr(), onion)
	visitor.WaitReachable(t, time.Minute)
	return &reviewerAtPickup{t: t, visitor: visitor, tor: reviewer, onion: onion}
}

// fetchParcel gets the reviewer's own parcel, in two pieces, and looks at the
// pages on the way there.
func (j *journey) fetchParcel() string {
	t := j.t
	j.pickup = j.atPickup()
	j.lookAtPickup()
	j.reviewer = j.pickup.find("", `href="/parcels\?reviewer=([0-9A-F]{64})`)
	// What arrived just now joins the log within hours, or with an export.
	exported := filepath.Join(t.TempDir(), "exported.tar")
	program.Run(t, 0, "sourdine", "parcel", "export", "--home", j.server.Home, "--reviewer", j.reviewer, "-o", exported)
	fetched := j.pickup.resume(j.pickup.parcelOf(j.reviewer))
	if fileDigest(t, exported) != fileDigest(t, fetched) {
		t.Error("the parcel of pickup, fetched in two pieces, differs from the exported one")
	}
	return fetched
}

// get fetches a page of pickup.
func (p *reviewerAtPickup) get(path string) string {
	p.t.Helper()
	response, err := p.visitor.Client.Get(p.onion + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		p.t.Fatalf("/%s: %s, %v", path, response.Status, err)
	}
	return string(page)
}

// find returns what stands on a page of pickup.
func (p *reviewerAtPickup) find(path, pattern string) string {
	p.t.Helper()
	page := p.get(path)
	found := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if found == nil {
		p.t.Fatalf("/%s does not hold %s: %s", path, pattern, page)
	}
	return html.UnescapeString(found[1])
}

// parcelOf is the address of a reviewer's parcel, as the page says it.
func (p *reviewerAtPickup) parcelOf(reviewer string) string {
	p.t.Helper()
	return p.find("parcels?reviewer="+reviewer, `href="/(parcel\.tar\?[^"]+)"`)
}

// resume fetches a parcel whose first download breaks off in the middle.
func (p *reviewerAtPickup) resume(link string) string {
	t := p.t
	t.Helper()
	path := filepath.Join(t.TempDir(), "parcel.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first := p.ask(link, nil)
	tag, size := first.Header.Get("ETag"), first.ContentLength
	if first.StatusCode != http.StatusOK || tag == "" || size < 2 || first.Header.Get("Accept-Ranges") != "bytes" {
		t.Fatalf("%s: %s, %d bytes, tag %q", link, first.Status, size, tag)
	}
	half := size/2 + 1
	start := time.Now()
	_, err = io.CopyN(f, first.Body, half)
	if err := errors.Join(err, first.Body.Close()); err != nil { // the connection is closed with it
		t.Fatal(err)
	}
	rest := p.ask(link, map[string]string{"Range": fmt.Sprintf("bytes=%d-", half), "If-Range": tag})
	defer rest.Body.Close()
	if want := fmt.Sprintf("bytes %d-%d/%d", half, size-1, size); rest.StatusCode != http.StatusPartialContent ||
		rest.Header.Get("Content-Range") != want || rest.Header.Get("ETag") != tag {
		t.Fatalf("the rest: %s, %q, want %q", rest.Status, rest.Header.Get("Content-Range"), want)
	}
	n, err := io.Copy(f, rest.Body)
	if err != nil || half+n != size {
		t.Fatalf("the rest has %d bytes: %v", n, err)
	}
	fmt.Printf("a parcel of %d MiB from pickup over the private Tor network, in two pieces: %s\n", size>>20, time.Since(start).Round(time.Second))
	return path
}

func (p *reviewerAtPickup) ask(link string, headers map[string]string) *http.Response {
	p.t.Helper()
	request, err := http.NewRequest(http.MethodGet, p.onion+link, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := p.visitor.Client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	return response
}

// lookAtPickup opens pickup's pages as a reviewer does.
func (j *journey) lookAtPickup() {
	chromium := j.browse()
	for _, page := range []struct{ name, path, want string }{
		{"pickup", "", "Un colis pour tout le monde"},
		{"pickup-parcel", "parcels", "Télécharger le colis"},
	} {
		if err := chromium.Navigate(j.ctx, j.pickup.onion+page.path); err != nil {
			j.t.Fatal(err)
		}
		j.picture(chromium, page.name)
		if text, err := chromium.Text(j.ctx, "main"); err != nil || !strings.Contains(text, page.want) {
			j.t.Errorf("%s does not hold %q: %v, %.400s", page.name, page.want, err, text)
		}
	}
}

// browse is the reviewer's browser.
func (j *journey) browse() browser.Browser {
	j.t.Helper()
	chromium, err := browser.StartChromium(j.ctx, browser.Options{SOCKS: j.pickup.tor.SOCKSAddr(), Width: 1000, Height: 700, Languages: "fr"})
	if err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(func() { chromium.Close() })
	return chromium
}
