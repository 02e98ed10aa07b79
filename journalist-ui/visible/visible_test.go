package visible_test

import (
	"strings"
	"testing"

	"sourdine/journalist-ui/visible"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"état civil «\u00a0№1\u202f».pdf": "état civil «\u00a0№1\u202f».pdf",
		"\x1b[2J\x07":                     "␛[2J␇",
		"a\u202egnp.exe":                  "a⟨U+202E⟩gnp.exe",
		"a\nb\tc\r":                       "a␊b␉c␍",
		"\xff\u200b\u0085":                "�⟨U+200B⟩⟨U+0085⟩",
		"\u2028\ufeff\U000e0041\u3164":    "⟨U+2028⟩⟨U+FEFF⟩⟨U+E0041⟩⟨U+3164⟩",
		"بلدية":                           "بلدية",
	} {
		if got := visible.Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStart(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "u\n\n de": "u de", "éééé": "éééé", "ééééé": "éééé…", "a\u202ebcd": "a⟨U+202E⟩bc…",
		"abcd ef": "abcd…", "abc d": "abc…", "  \t\n": "", strings.Repeat(" x", 1<<20): "x x…",
	} {
		if got := visible.Start(in, 4); got != want {
			t.Errorf("Start(%.20q) = %q, want %q", in, got, want)
		}
	}
}
