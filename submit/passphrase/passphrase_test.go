package passphrase_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"sourdine/submit/passphrase"
)

var dictionary = passphrase.NewDictionary()

func TestEverySpellingOpens(t *testing.T) {
	for range 300 {
		for _, language := range []string{"fr", "en"} {
			p := dictionary.Generate(language)
			spelt := dictionary.Spell(p)
			for name, s := range map[string]string{
				"as shown":      spelt,
				"upper case":    strings.ToUpper(spelt),
				"decomposed":    norm.NFD.String(spelt),
				"four letters":  shorten(spelt),
				"lines":         strings.ReplaceAll(spelt, " ", "\r\n"),
				"numbered":      "1. " + strings.ReplaceAll(spelt, " ", " 2. "),
				"blanks around": "  " + strings.ReplaceAll(spelt, " ", "\u00a0 ") + "\t",
			} {
				got, err := dictionary.Parse(s)
				if err != nil || got != p {
					t.Fatalf("%s: %q: %v", name, s, err)
				}
			}
		}
	}
}

func shorten(spelt string) string {
	words := strings.Fields(spelt)
	for i, w := range words {
		letters := []rune(w)
		words[i] = string(letters[:min(4, len(letters))])
	}
	return strings.Join(words, " ")
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{
		"", " ", "abaisser", strings.Repeat("abaisser ", 7), strings.Repeat("abaisser ", 9),
		strings.Repeat("zzzz ", 8), "abandon ability able about above absent absorb abzzz",
		"abaisser abandon ability able about above absent absorb", // two languages mixed
		strings.Repeat("abaisser ", 8) + strings.Repeat(" ", passphrase.MaxInput),
		strings.Repeat("\xff ", 8),
	} {
		if p, err := dictionary.Parse(s); err == nil {
			t.Errorf("Parse(%.40q) = %v", s, p)
		}
	}
}

func TestCanonicalDiffers(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		c := dictionary.Generate("fr").Canonical()
		if !bytes.HasPrefix(c, []byte("fr:")) || len(c) != 3+16 || seen[string(c)] {
			t.Fatalf("canonical form %x", c)
		}
		seen[string(c)] = true
	}
	if !strings.HasPrefix(string(dictionary.Generate("ar").Canonical()), "fr:") {
		t.Error("a language without list does not fall back to French")
	}
}

// Law: what Parse accepts is spelt so that Parse gives the same again.
func FuzzParse(f *testing.F) {
	f.Add("abaisser abandon abdiquer abeille abolir aborder aboutir aboyer")
	f.Add(dictionary.Spell(dictionary.Generate("en")))
	f.Fuzz(func(t *testing.T, s string) {
		p, err := dictionary.Parse(s)
		if err != nil {
			return
		}
		spelt := dictionary.Spell(p)
		if got, err := dictionary.Parse(spelt); err != nil || got != p || !utf8.ValidString(spelt) {
			t.Errorf("%q is spelt %q, which is %v, %v", s, spelt, got, err)
		}
	})
}
