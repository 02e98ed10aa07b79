// Package langtest checks that a site's catalogues and its pages fit together:
// that every language has every text that is used, and none that is not. It is
// imported by tests only.
package langtest

import (
	"io/fs"
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
	}
}

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
