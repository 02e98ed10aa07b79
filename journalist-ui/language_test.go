package journalist

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault/lang/langtest"
	"sourdine/vault/order"
)

func TestLanguage(t *testing.T) {
	r := open(t, newSite(t, desktest.New(t), nil))
	r.headers["Accept-Language"] = "fr-CA, en;q=0.5"
	r.page("/", `<html lang="fr">`, "Rien n’est encore arrivé", `href="?lang=en"`)
	r.headers["Accept-Language"] = "de"
	r.page("/", `<html lang="fr">`)
	r.page("/?lang=en", `<html lang="en">`, `href="?lang=fr"`, "français")
	r.page("/records", `<html lang="en">`) // remembered
	for _, odd := range []string{"xx", "<script>", "en%0d%0aSet-Cookie:a=b", strings.Repeat("a", 5000)} {
		r.page("/?lang=" + odd)
	}
	if len(r.cookies) != 2 || r.cookies["lang"].SameSite != http.SameSiteStrictMode {
		t.Errorf("cookies %v", r.cookies)
	}
}

func TestWords(t *testing.T) {
	site := newSite(t, desktest.New(t), nil)
	fr := view{Texts: site.texts.For("fr", "")}
	for day, want := range map[string]string{"2026-08-01": "1er août 2026", "": "", "<b>": "<b>", "2026-13-01": "2026-13-01"} {
		if got := fr.Day(day); got != want {
			t.Errorf("day %q: %q", day, got)
		}
	}
	if got := fr.Doubt("\u202enew"); !strings.Contains(got, "mis à part") || strings.Contains(got, "\u202e") {
		t.Errorf("a doubt of a later version: %q", got)
	}
}

// usedTexts finds every text id in the templates and in the code.
func usedTexts(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	langtest.Find(t, used, files, "templates/*.html", `\.(?:Text|Count) "(\w+)"`)
	langtest.Find(t, used, os.DirFS("."), "*.go", `\.(?:Text|Count)\("(\w+)"`)
	langtest.Find(t, used, os.DirFS("."), "*.go", `"((?:problem|obstacle|unlock|mistake)_\w+)"`)
	langtest.Find(t, used, os.DirFS("."), "*.go", `"((?:event|detail|refused)_\w+)"`)
	for _, prefix := range []string{"doubt_", "finding_", "refusal_", "event_", "reply_", "deletion_"} {
		delete(used, prefix)
	}
	for _, k := range desk.Kinds() {
		used["finding_"+strings.ReplaceAll(string(k), "-", "_")] = true
	}
	for _, state := range []desk.State{desk.StateQueued, desk.StateSigned, desk.StateDone, desk.StateRefused} {
		used["reply_"+string(state)], used["deletion_"+string(state)] = true, true
	}
	for _, r := range order.Reasons() {
		used["refusal_"+string(r)] = true
	}
	for _, d := range []desk.Doubt{desk.DoubtEnvelope, desk.DoubtManifest, desk.DoubtFiles} {
		used["doubt_"+string(d)] = true
	}
	return used
}

// Every language has every text that is used, and none that is not.
func TestCatalogues(t *testing.T) { langtest.Check(t, usedTexts(t), 70, files) }
