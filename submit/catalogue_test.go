package submit

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

var textID = regexp.MustCompile(`\.(?:Text|Count) "([a-z_]+)"`)
var problemID = regexp.MustCompile(`"(problem_[a-z_]+)"`)

// usedTexts finds every text id in the templates and the code.
func usedTexts(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		page, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range textID.FindAllSubmatch(page, -1) {
			used[string(found[1])] = true
		}
		if base := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html"); base != "layout" {
			used["title_"+base] = true
		}
	}
	sources, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		code, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range problemID.FindAllSubmatch(code, -1) {
			used[string(found[1])], used[string(found[1])+"_hint"] = true, true
		}
	}
	return used
}

// Every language has every text that is used, and none that is not.
func TestCatalogues(t *testing.T) {
	used := usedTexts(t)
	if len(used) < 60 {
		t.Fatalf("only %d texts were found: the search is broken", len(used))
	}
	names, err := fs.Glob(files, "locale/*.toml")
	if err != nil || len(names) < 2 {
		t.Fatalf("catalogues %v, %v", names, err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		var catalogue map[string]any
		if err := toml.Unmarshal(raw, &catalogue); err != nil {
			t.Fatal(err)
		}
		for id := range used {
			if _, ok := catalogue[id]; !ok {
				t.Errorf("%s lacks %s", name, id)
			}
		}
		var unused []string
		for id := range catalogue {
			if !used[id] {
				unused = append(unused, id)
			}
		}
		slices.Sort(unused)
		for _, id := range unused {
			t.Errorf("%s has %s, which nothing uses", name, id)
		}
	}
}
