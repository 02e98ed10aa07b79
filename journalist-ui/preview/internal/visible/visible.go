// Package visible makes text safe to look at.
//
// It promises that what Text returns holds nothing but characters that can be
// seen, spaces, tabs and line feeds, in the order in which they are stored: no control
// character that a program could obey, no mark that turns the reading direction, no
// invisible character (in leaked documents they also serve as watermarks that
// betray the source). It does not escape anything for HTML: that is the
// template's work.
package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text writes every character that could not be seen in a way that can be seen:
// controls as their pictures (U+2400 …), others as ⟨U+202E⟩. Line ends become
// line feeds; bytes that are not UTF-8 become U+FFFD. The result may be up to
// six times as long as s.
func Text(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch {
		case r == '\r':
			if !strings.HasPrefix(s[i+1:], "\n") {
				b.WriteByte('\n')
			}
		case !hidden(r):
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

// Is reports whether s is such that Text would leave it as it is.
func Is(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, hidden)
}

// hidden reports whether r shows nothing, or does something. No-break and thin
// spaces are not among them: French typography is full of them.
func hidden(r rune) bool {
	if r == '\n' || r == '\t' || ' ' <= r && r <= '~' {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
