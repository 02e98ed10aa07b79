package journalist

import (
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
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
	fr, en := view{Texts: site.texts.For("fr", "")}, view{Texts: site.texts.For("en", "")}
	for bytes, want := range map[int64][2]string{
		0: {"0\u00a0octet", "0 bytes"}, 1: {"1\u00a0octet", "1 byte"}, 999: {"999\u00a0octets", "999 bytes"}, 1000: {"1,0\u00a0ko", "1.0 kB"},
		9_949: {"9,9\u00a0ko", "9.9 kB"}, 12_345: {"12\u00a0ko", "12 kB"}, 999_499: {"999\u00a0ko", "999 kB"}, 999_999: {"1,0\u00a0Mo", "1.0 MB"},
		800_000_000: {"800\u00a0Mo", "800 MB"}, 2 << 30: {"2,1\u00a0Go", "2.1 GB"}, 1 << 62: {"4611686\u00a0To", "4611686 TB"},
	} {
		if got := [2]string{fr.Size(bytes), en.Size(bytes)}; got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
	for day, want := range map[string]string{"2026-08-01": "1 août 2026", "": "", "<b>": "<b>", "2026-13-01": "2026-13-01"} {
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
	find := func(files fs.FS, glob, pattern string) {
		names, err := fs.Glob(files, glob)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", glob, len(names), err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range regexp.MustCompile(pattern).FindAllSubmatch(raw, -1) {
				used[string(found[1])] = true
			}
		}
	}
	find(files, "templates/*.html", `\.(?:Text|Count) "(\w+)"`)
	find(os.DirFS("."), "*.go", `\.(?:Text|Count)\("(\w+)"`)
	find(os.DirFS("."), "*.go", `"((?:problem|obstacle|unit|unlock)_\w+)"`)
	delete(used, "doubt_")
	delete(used, "month_")
	for _, d := range []desk.Doubt{desk.DoubtEnvelope, desk.DoubtManifest, desk.DoubtFiles} {
		used["doubt_"+string(d)] = true
	}
	for month := range strings.FieldsSeq("1 2 3 4 5 6 7 8 9 10 11 12") {
		used["month_"+month] = true
	}
	return used
}

// Every language has every text that is used, and none that is not.
func TestCatalogues(t *testing.T) {
	used := usedTexts(t)
	names, err := fs.Glob(files, "locale/*.toml")
	if err != nil || len(names) < 2 || len(used) < 80 {
		t.Fatalf("%d catalogues, %d texts, %v", len(names), len(used), err)
	}
	for _, name := range names {
		var catalogue map[string]any
		if _, err := toml.DecodeFS(files, name, &catalogue); err != nil {
			t.Fatal(err)
		}
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
		for _, o := range odd {
			t.Errorf("%s %s", name, o)
		}
	}
}
