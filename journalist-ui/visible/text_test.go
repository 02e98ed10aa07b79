package visible_test

import (
	"strings"
	"testing"

	"sourdine/journalist-ui/visible"
)

func TestTextOfManyLines(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"état civil «№ 1»\n\tœuvre":      "état civil «№ 1»\n\tœuvre",
		"one\r\ntwo\rthree\n\rfour\r":    "one\ntwo\nthree\n\nfour\n",
		"bell\a nul\x00 esc\x1b[2J\x7f":  "bell␇ nul␀ esc␛[2J␡",
		"next line\u0085":                "next line⟨U+0085⟩",
		"invoice\u202efdp.exe":           "invoice⟨U+202E⟩fdp.exe",
		"\u2066a\u2069\u200f\u061c":      "⟨U+2066⟩a⟨U+2069⟩⟨U+200F⟩⟨U+061C⟩",
		"water\u200bmark\ufeff\u2060":    "water⟨U+200B⟩mark⟨U+FEFF⟩⟨U+2060⟩",
		"soft\u00adhyphen\u2028\u2029":   "soft⟨U+00AD⟩hyphen⟨U+2028⟩⟨U+2029⟩",
		"tag\U000e0041\U000e007f":        "tag⟨U+E0041⟩⟨U+E007F⟩",
		"smuggled\ufe0f\U000e0100":       "smuggled⟨U+FE0F⟩⟨U+E0100⟩",
		"filler\u3164\u115f":             "filler⟨U+3164⟩⟨U+115F⟩",
		"not \xff utf-8 \xe2\x80":        "not � utf-8 ��",
		"<script>alert(1)</script>&amp;": "<script>alert(1)</script>&amp;",
	} {
		if got := visible.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a\r\nb", "\x00\u202e\xff", "\U000e0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := visible.Text(s)
		if !visible.Is(once) {
			t.Fatalf("Text(%q) = %q still holds something hidden", s, once)
		}
		if visible.Text(once) != once {
			t.Fatalf("Text changes its own result %q", once)
		}
		if visible.Is(s) != (once == s) {
			t.Fatalf("Is(%q) = %v, but Text makes %q of it", s, visible.Is(s), once)
		}
		if len(once) > 6*len(s) || strings.ContainsRune(once, '\r') {
			t.Fatalf("Text(%q) = %q", s, once)
		}
	})
}
