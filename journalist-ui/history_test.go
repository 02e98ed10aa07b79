package journalist

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A browser writes titles into its history, and what was typed into its memory
// of forms, both in clear on the disk.
func TestBrowserRemembersNothingOfTheSource(t *testing.T) {
	d, id := filled(t)
	r := open(t, newSite(t, d, nil))
	got := r.post("/records/new", url.Values{"title": {"Titre de la fiche"}, "submission": {id}, "item": {"2"}})
	record, _, _ := strings.Cut(got.Header().Get("Location"), "#")
	title := regexp.MustCompile(`(?s)<title>(.*?)</title>`)
	tag := regexp.MustCompile(`<(?:form|input)[^>]*>`)
	for path, want := range map[string]string{
		"/submissions/" + id: "Submission of 31 January 2026 · Sourdine", "/submissions/" + id + "/2": "File no. 2 · Submission of 31 January 2026 · Sourdine",
		"/submissions/" + id + "/2/save": "Save this file? · Sourdine", record: "Record " + strings.TrimPrefix(record, "/records/") + " · Sourdine",
		"/records/new": "New record · Sourdine", "/records": "Records · Sourdine", "/": "Submissions · Sourdine",
	} {
		body := r.page(path)
		if found := title.FindStringSubmatch(body); found == nil || found[1] != want {
			t.Errorf("%s: title %q, want %q", path, found, want)
		}
		for _, input := range tag.FindAllString(body, -1) {
			if !strings.Contains(input, `autocomplete="off"`) && !strings.Contains(input, `type="hidden"`) {
				t.Errorf("%s: the browser may remember %s", path, input)
			}
		}
	}
}
