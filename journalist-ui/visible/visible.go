// Package visible makes the texts of a source safe to show to people: on one
// line of a terminal or a page, or as a text of several lines.
//
// It promises that what it returns holds nothing but characters that can be
// seen, and blanks, in the order in which they are stored: nothing that a terminal
// obeys, nothing that turns the reading direction, nothing invisible (which in
// leaked documents also serves to mark copies). Such a character is shown by its
// number, like ⟨U+202E⟩. It escapes nothing for HTML: templates do.
package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line shows a text on one line. Line ends and tabs are shown by their numbers.
func Line(text string) string { return show(text, "") }

// Text shows a text of several lines. Line ends become line feeds.
func Text(text string) string {
	return show(strings.ReplaceAll(text, "\r\n", "\n"), "\n\t")
}

// Start shows the beginning of a text on one line: runs of blanks as one blank,
// at most limit characters of the text, then "…".
func Start(text string, limit int) string {
	start, more := fields(text, limit)
	if more {
		return Line(start) + "…"
	}
	return Line(start)
}

// fields joins the words of text by blanks, without reading all of a long one.
func fields(text string, limit int) (start string, more bool) {
	var b strings.Builder
	left := limit
	for word := range strings.FieldsSeq(text) {
		if b.Len() > 0 {
			b.WriteByte(' ')
			left--
		}
		for _, r := range word {
			if left <= 0 {
				return strings.TrimRight(b.String(), " "), true
			}
			b.WriteRune(r)
			left--
		}
	}
	return b.String(), false
}

func show(text, blanks string) string {
	if !strings.ContainsFunc(text, hidden) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) && !strings.ContainsRune(blanks, r) {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports whether r shows nothing, or does something. French typography
// is full of no-break and thin spaces: those are not among them.
func hidden(r rune) bool {
	return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
