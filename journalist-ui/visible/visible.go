// Package visible makes the texts of a source safe to show to people: on one
// line of a terminal or a page, or as a text of several lines.
//
// It promises that what it returns holds nothing but characters that can be
// seen, and blanks: nothing that a terminal obeys, no sign whose only work is to
// turn the reading direction, nothing invisible (which in leaked documents also
// serves to mark copies). Such a character is shown by its picture or its number,
// like ⟨U+202E⟩. It escapes nothing for HTML: templates do.
//
// It does not promise that the eye meets the characters in the order in which
// they are stored: Arabic and Hebrew letters run from right to left, and digits
// and punctuation between them move along (Unicode Standard Annex 9). Pages set
// each text apart (<bdi>); a terminal cannot.
package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line shows a text on one line. Line ends and tabs are shown as their pictures,
// like ␊.
func Line(text string) string { return show(text, onOneLine) }

// Text shows a text of several lines. Line ends become line feeds; bytes that
// are not UTF-8 become U+FFFD. The result may be up to six times as long.
func Text(text string) string { return show(text, onLines) }

// Is reports whether text is such that Text would leave it as it is.
func Is(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return hidden(r, onLines) })
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

// layout says whether line feeds and tabs may stay.
type layout bool

const (
	onLines   layout = true
	onOneLine layout = false
)

// show writes what could not be seen in a way that can: controls as their
// pictures (U+2400 …), others by their numbers.
func show(text string, l layout) string {
	var b strings.Builder
	b.Grow(len(text))
	for i, r := range text {
		switch {
		case r == '\r' && l == onLines:
			if !strings.HasPrefix(text[i+1:], "\n") {
				b.WriteByte('\n')
			}
		case !hidden(r, l):
			b.WriteRune(r)
		case r < ' ':
			b.WriteRune('␀' + r)
		case r == 0x7f:
			b.WriteRune('␡')
		default:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		}
	}
	return b.String()
}

// hidden reports whether r shows nothing, or does something. No-break and thin
// spaces are not among them: French typography is full of them.
func hidden(r rune, l layout) bool {
	if ' ' <= r && r <= '~' || l == onLines && (r == '\n' || r == '\t') {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
