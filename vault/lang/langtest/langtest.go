// Package langtest checks that a site's catalogues and its pages fit together:
// that every language has every text that is used, and none that is not, and that
// French texts have French blanks. It is imported by tests only.
package langtest

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// Find adds to used the text ids that pattern finds, as its first group, in the
// files that match glob. Tests are passed over; no file at all is an error.
func Find(t *testing.T, used map[string]bool, files fs.FS, glob, pattern string) {
	t.Helper()
	names, err := fs.Glob(files, glob)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, %v", glob, len(names), err)
	}
	expression := regexp.MustCompile(pattern)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range expression.FindAllSubmatch(raw, -1) {
			used[string(found[1])] = true
		}
	}
}

// Check compares the catalogues in locale/*.toml, at least two, with the ids in
// use, at least atLeast: a search that finds fewer is broken.
func Check(t *testing.T, used map[string]bool, atLeast int, files fs.FS) {
	t.Helper()
	names, err := fs.Glob(files, "locale/*.toml")
	if err != nil || len(names) < 2 || len(used) < atLeast {
		t.Fatalf("%d catalogues, %d texts, %v", len(names), len(used), err)
	}
	for _, name := range names {
		var catalogue map[string]any
		if _, err := toml.DecodeFS(files, name, &catalogue); err != nil {
			t.Fatal(err)
		}
		for _, odd := range compare(catalogue, used) {
			t.Errorf("%s %s", name, odd)
		}
		if path.Base(name) == "fr.toml" {
			checkFrench(t, name, catalogue)
		}
	}
}

// checkFrench looks at every text for blanks at which a line could break before
// a sign, or that are missing.
func checkFrench(t *testing.T, name string, catalogue map[string]any) {
	t.Helper()
	for id, value := range catalogue {
		switch value := value.(type) {
		case string:
			if odd := oddFrench(value); odd != "" {
				t.Errorf("%s: %s: the blank at %q is not the one that French wants there", name, id, odd)
			}
		case map[string]any: // the plurals of a text
			checkFrench(t, name+", "+id, value)
		}
	}
}

// frenchSigns finds signs without the blank that belongs to them: U+00A0 before
// a colon and inside guillemets, U+202F before the other double signs (Imprimerie
// nationale, Lexique des règles typographiques). A colon in an address or in a
// time has none; nor has a sign that follows another.
var frenchSigns = regexp.MustCompile(`(?:^|[^\x{A0}]):(?:[^/0-9]|$)|(?:^|[^\x{202F}?!])[;?!]|«(?:[^\x{A0}]|$)|(?:^|[^\x{A0}])»`)

func oddFrench(text string) string { return frenchSigns.FindString(text) }

func compare(catalogue map[string]any, used map[string]bool) []string {
	var odd []string
	for id := range used {
		if catalogue[id] == nil {
			odd = append(odd, "lacks "+id)
		}
	}
	for id := range catalogue {
		if !used[id] {
			odd = append(odd, "has unused "+id)
		}
	}
	slices.Sort(odd)
	return odd
}
