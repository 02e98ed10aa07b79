package langtest

import "testing"

func TestFrenchBlanks(t *testing.T) {
	for _, good := range []string{"", "Bonjour.", "Importez-le\u00a0:", "À qui\u202f?", "Quoi\u202f?!", "«\u00a0oui\u00a0»\u202f!", "http://exemple.fr", "à 12:30"} {
		if odd := oddFrench(good); odd != "" {
			t.Errorf("%q: %q is odd", good, odd)
		}
	}
	for _, bad := range []string{"Importez-le :", "Importez-le:", "Importez-le\u202f:", ":", "À qui ?", "À qui\u00a0?", "À qui?", "?", "un ; deux", "un; deux", "non !",
		"« oui »", "«oui»", "«\u00a0oui »", "« oui\u00a0»", "«", "»", "a : b", "«\u202foui\u202f»"} {
		if oddFrench(bad) == "" {
			t.Errorf("%q is taken for good", bad)
		}
	}
}
