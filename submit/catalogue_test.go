package submit

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"sourdine/vault/lang/langtest"
)

func TestCatalogues(t *testing.T) {
	used, problems := map[string]bool{}, map[string]bool{}
	langtest.Find(t, used, files, "templates/*.html", `\.(?:Text|Count) "(\w+)"`)
	langtest.Find(t, problems, os.DirFS("."), "*.go", `"(problem_\w+)"`)
	for id := range problems {
		used[id], used[id+"_hint"] = true, true
	}
	pages, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if name := strings.TrimSuffix(strings.TrimPrefix(page, "templates/"), ".html"); name != "layout" {
			used["title_"+name] = true
		}
	}
	langtest.Check(t, used, 60, files)
}
