package admin_test

import (
	"strings"
	"testing"

	"sourdine/vault/admin"
	"sourdine/vault/spoken"
	"sourdine/vault/translog"
)

// The words are of the leaf as it stands in the log, whole: those of a mark could be
// used for another restoration.
func TestRestoredWords(t *testing.T) {
	leaf := translog.Restored{Day: "2026-12-01", Size: 812, Mark: strings.Repeat("0f", 32)}
	words := func(leaf translog.Restored) map[string]string {
		t.Helper()
		words, err := admin.RestoredWords(leaf)
		if err != nil {
			t.Fatal(err)
		}
		return words
	}
	want := words(leaf)
	const raw = `{"v":1,"kind":"restored","day":"2026-12-01","size":812,"mark":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"}`
	for _, language := range []string{"fr", "en"} {
		if want[language] != strings.Join(spoken.Words(raw, language), " ") {
			t.Errorf("%s: %s", language, want[language])
		}
	}
	for what, change := range map[string]func(*translog.Restored){
		"the size": func(l *translog.Restored) { l.Size-- },
		"the day":  func(l *translog.Restored) { l.Day = "2026-12-02" },
		"the mark": func(l *translog.Restored) { l.Mark = strings.Repeat("0e", 32) },
	} {
		other := leaf
		change(&other)
		for language, text := range words(other) {
			if text == want[language] {
				t.Errorf("%s is another, and the words are the same in %s", what, language)
			}
		}
	}
	if _, err := admin.RestoredWords(translog.Restored{}); err == nil {
		t.Error("what is no leaf has words")
	}
}

// The status has the last restoration, and one that never was restored has none.
func TestStatusOfARestoredHome(t *testing.T) {
	alice, _ := newDesks(t)
	if s, err := alice.local.Status(ctx); err != nil || s.Restored != nil {
		t.Errorf("%+v, %v", s.Restored, err)
	}
	var before admin.Restored
	for range 2 {
		done, local := restored(t, backedUp(t, alice.local))
		s, err := local.Status(ctx)
		if err != nil || s.Restored == nil {
			t.Fatalf("%+v, %v", s.Restored, err)
		}
		words, err := admin.RestoredWords(done.Leaf)
		if err != nil || s.Restored.Leaf != done.Leaf.Size || s.Restored.Day != done.Leaf.Day || s.Restored.Words["fr"] != words["fr"] || s.Restored.Words["en"] != words["en"] {
			t.Errorf("%+v, %v", s.Restored, err)
		}
		if s.Restored.Leaf <= before.Leaf || s.Restored.Words["fr"] == before.Words["fr"] {
			t.Errorf("%+v after %+v", s.Restored, before)
		}
		before = *s.Restored
		alice = alice.at(local)
	}
}
