package journalist

import (
	"archive/tar"
	"bytes"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

var hiddenKey = regexp.MustCompile(`name="key" value="([^"]*)"`)

// What a reviewer said that they know is asked no more; it stays on the page.
func TestEventsAreConfirmed(t *testing.T) {
	d, home := desktest.New(t), desktest.NewHome(t)
	v := desktest.NewVault(t)
	v.Submit(desktest.Certificate(t, home), "un")
	spy, err := seal.ParseCertificate(vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v.AddReviewer("<b>Éve", spy)
	importAll(t, d, v)
	r := open(t, newSite(t, d, nil))
	r.page("/?lang=en", "2 changes wait for you")
	body := r.page("/log", "Your key was added to channel Nice", "A key was added to channel Nice", "&lt;b&gt;Éve. Do you know it?", spy.Fingerprint(),
		"These words are the same", strings.ReplaceAll(v.Key, "+", "&#43;"))
	for _, key := range hiddenKey.FindAllStringSubmatch(body, -1) {
		if got := r.post("/log/know", url.Values{"key": {html.UnescapeString(key[1])}}); got.Code != http.StatusSeeOther {
			t.Errorf("knowing: %d", got.Code)
		}
	}
	if body := r.page("/log", "A key was added", "✓ seen"); strings.Contains(body, "<button>I know it") {
		t.Error("it is asked again")
	}
	if body := r.page("/"); strings.Contains(body, "wait for you") {
		t.Error("the inbox asks again")
	}
	if got := r.post("/log/know", url.Values{"key": {"event 0 nothing"}}); got.Code != http.StatusNotFound {
		t.Errorf("an unknown event: %d", got.Code)
	}
}

// Before any parcel every page says so.
func TestEmptyLog(t *testing.T) {
	r := open(t, newSite(t, desktest.New(t), nil))
	r.page("/log?lang=en", "Import a parcel", "Nothing has changed")
	if body := r.page("/return", "nothing new to tell"); strings.Contains(body, "<form") {
		t.Error("a form that can do nothing")
	}
	if got := r.post("/return", url.Values{"passphrase": {desktest.Passphrase}}); got.Code != http.StatusConflict {
		t.Errorf("signing: %d", got.Code)
	}
}

// The way back, from the pages: an order to delete, taken back and given again;
// the parcel needs the passphrase, and is the same when it is saved again.
func TestReturnPages(t *testing.T) {
	d, home := desktest.New(t), desktest.NewHome(t)
	v := desktest.NewVault(t)
	certificate := desktest.Certificate(t, home)
	id := v.Submit(certificate, "de trop")
	m := desktest.Manifest("une question")
	m.Mailbox = vaulttest.NewKey(t, vaulttest.PostQuantum).Certificate(t)
	raw, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := v.Sealer(certificate)
	asked := v.Commit(s.Envelope(), v.Seal(s, raw))
	importAll(t, d, v)
	r := open(t, newSite(t, d, nil))
	where := "/submissions/" + id
	r.page(where+"?lang=en", "left no mailbox", "Delete it…")
	r.page(where+"/delete", "for everybody and for good", "The copy at this desk stays")
	seen := func(got int) {
		t.Helper()
		if got != http.StatusSeeOther {
			t.Errorf("status %d", got)
		}
	}
	seen(r.post(where+"/delete", nil).Code)
	r.page(where, "The deletion is ordered", "Take the order back")
	seen(r.post(where+"/withdraw", nil).Code)
	r.page(where, "Delete it…")
	seen(r.post(where+"/delete", nil).Code)
	seen(r.post("/submissions/"+asked+"/reply", url.Values{"text": {"Merci <b>!\r\n"}}).Code)
	r.page("/submissions/"+asked, "Merci &lt;b&gt;!", "waits for the next return parcel")
	for _, empty := range []string{"", " \n", strings.Repeat("x", desk.MaxReplyText+1)} {
		if got := r.post("/submissions/"+asked+"/reply", url.Values{"text": {empty}}); got.Code != http.StatusBadRequest {
			t.Errorf("a reply of %d bytes: %d", len(empty), got.Code)
		}
	}
	if got := r.post(where+"/reply", url.Values{"text": {"bonjour"}}); got.Code != http.StatusConflict {
		t.Errorf("a reply to nobody: %d", got.Code)
	}
	r.page("/return", "2 submissions to acknowledge", "2 submissions opened", "1 reply", "1 deletion")
	if got := r.post("/return", url.Values{"passphrase": {"autre chose"}}); got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "passphrase") {
		t.Errorf("a wrong passphrase: %d", got.Code)
	}
	got := r.post("/return", url.Values{"passphrase": {desktest.Passphrase}})
	if got.Code != http.StatusOK || got.Header().Get("Content-Disposition") != `attachment; filename="return-1.tar"` {
		t.Fatalf("signing: %d %v", got.Code, got.Header())
	}
	signed := got.Body.Bytes()
	if names := tarNames(t, signed); !slices.Equal(names, []string{"return.json", "return.json.asc", "deletions.json", "deletions.json.asc", "replies/1.pgp"}) {
		t.Errorf("files %v", names)
	}
	r.page("/return", "Return parcel no. 1 is signed", "Save again")
	if again := r.post("/return", nil); !bytes.Equal(again.Body.Bytes(), signed) {
		t.Error("saved again it is another one")
	}
	r.page(where, "on its way to the server")
	if _, err := v.Apply(signed); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Import(t.Context(), bytes.NewReader(v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))); err != nil {
		t.Fatal(err)
	}
	r.page(where, "The server has deleted it, as you ordered.")
	r.page("/submissions/"+asked, "refused by the server")
	r.page("/return", "Return parcel no. 1, applied.", "the server has and had no such submission or mailbox")
}

func tarNames(t *testing.T, raw []byte) []string {
	t.Helper()
	var names []string
	for r := tar.NewReader(bytes.NewReader(raw)); ; {
		header, err := r.Next()
		if err == io.EOF {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
}
