package journalist

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault/parcel"
	"sourdine/vault/spoken"
)

// lostServer is a desk that was told of a restoration, and the restored server;
// one submission is gone from that.
func lostServer(t *testing.T) (d *desk.Desk, restored *desktest.Vault, leaf, gone, unwanted string) {
	t.Helper()
	d, home := desktest.New(t), desktest.NewHome(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	unwanted = v.Submit(certificate, "à supprimer")
	importMine(t, d, v)
	backup := v.Backup()
	gone = v.Submit(certificate, "perdu")
	importMine(t, d, v)
	if err := d.OrderDeletion(t.Context(), unwanted); err != nil {
		t.Fatal(err)
	}
	p, err := d.PrepareReturn(t.Context(), []byte(desktest.Passphrase))
	if err != nil {
		t.Fatal(err)
	}
	var signed strings.Builder
	if err := p.Write(t.Context(), &signed); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Apply([]byte(signed.String())); err != nil {
		t.Fatal(err)
	}
	importMine(t, d, v)
	restored, leaf = v.Restore(backup)
	restored.Submit(certificate, "après")
	importMine(t, d, restored)
	return d, restored, leaf, gone, unwanted
}

func importMine(t *testing.T, d *desk.Desk, v *desktest.Vault) {
	t.Helper()
	_, err := d.Import(t.Context(), strings.NewReader(string(v.Pack(parcel.Request{Reviewer: d.Fingerprint()}))))
	if err != nil {
		t.Fatal(err)
	}
}

// A restored server, from the inbox to the return parcel, in both languages.
func TestRestoredPages(t *testing.T) {
	d, v, leaf, gone, unwanted := lostServer(t)
	r := open(t, newSite(t, d, nil))
	for _, language := range []string{"fr", "en"} {
		texts := r.site.texts.For(language, "")
		body := r.page("/log?lang="+language, html.EscapeString(texts.Text("restored_heading")), html.EscapeString(texts.Text("restored_why")),
			html.EscapeString(texts.Count("entries_gone", 2)), html.EscapeString(texts.Count("submissions_lost", 1)), "/submissions/"+gone,
			`<form method="post" action="/log/restored"`)
		if strings.Count(body, html.EscapeString(texts.Text("finding_restored"))) != 1 { // that of the submission that came
			t.Error("the parcel's finding is not told once, above the others")
		}
		r.page("/return", html.EscapeString(texts.Text("return_restored")))
		for words, mistake := range map[string]string{
			"":                              "mistake_word_count",
			"un deux":                       "mistake_word_count",
			strings.Repeat("abaisser ", 12): "mistake_words",
		} {
			got := r.post("/log/restored", url.Values{"words": {words}})
			if got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), html.EscapeString(texts.Text(mistake))) {
				t.Errorf("%q: %d", words, got.Code)
			}
		}
	}
	r.page("/", "to say whether", "things are wrong")
	right := url.Values{"words": {strings.ToUpper(strings.Join(spoken.Words(leaf, "fr"), "\r\n"))}}
	if got := r.post("/log/restored", right); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/log" {
		t.Fatalf("the right words: %d", got.Code)
	}
	if body := r.page("/log", "You have accepted it."); strings.Contains(body, `action="/log/restored"`) {
		t.Error("it is asked again")
	}
	importMine(t, d, v)
	body := r.page("/log", "The server’s log says that it was restored from a backup on", "2 entries that this desk had seen are gone", "1 submission that had been deleted is back")
	if strings.Contains(body, `id="restored"`) {
		t.Error("it waits still")
	}
	r.page("/submissions/"+gone, "its log no longer has it")
	r.page("/submissions/"+unwanted, "The deletion is ordered")
	if body := r.page("/return", "1 deletion", "of which 1 the server had done already"); strings.Contains(body, "It refuses return parcels") {
		t.Error("it refuses still")
	}
	if got := r.post("/log/restored", right); got.Code != http.StatusConflict {
		t.Errorf("when it is over: %d", got.Code)
	}
}
