package parse

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"sourdine/journalist-ui/preview/internal/answer"
	"sourdine/journalist-ui/visible"
)

// plainText shows at most answer.MaxText bytes of the head of a document, and at most as
// many of what becomes of them.
func plainText(head []byte, media string) answer.Answer {
	a := answer.Answer{Kind: answer.Text, MediaType: media}
	if len(head) > answer.MaxText {
		head, a.Cut = head[:answer.MaxText], true
	}
	a.Text = visible.Text(decode(head, a.Cut))
	if len(a.Text) > answer.MaxText {
		// Cut in the middle of a character, the last one is dropped whole.
		a.Text, a.Cut = dropPartialRune(a.Text[:answer.MaxText]), true
	}
	return a
}

// decode reads UTF-16 with a byte order mark, else UTF-8, else Windows-1252, in
// which every byte means something, if not always the right thing.
func decode(b []byte, cut bool) string {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		return decodeUTF16(b[2:], binary.LittleEndian)
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return decodeUTF16(b[2:], binary.BigEndian)
	}
	s := string(bytes.TrimPrefix(b, []byte("\ufeff")))
	if cut {
		s = dropPartialRune(s)
	}
	if utf8.ValidString(s) {
		return s
	}
	var sb strings.Builder
	for _, c := range b {
		sb.WriteRune(charmap.Windows1252.DecodeByte(c))
	}
	return sb.String()
}

// decodeUTF16 makes U+FFFD of unpaired surrogates and of an odd last byte.
func decodeUTF16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(b)/2+1)
	for len(b) >= 2 {
		units = append(units, order.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		units = append(units, utf8.RuneError)
	}
	return string(utf16.Decode(units))
}

// dropPartialRune removes a character of which only the first bytes are there.
func dropPartialRune(s string) string {
	for i := 1; i <= min(utf8.UTFMax, len(s)); i++ {
		if tail := s[len(s)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRuneInString(tail) {
				return s[:len(s)-i]
			}
			break
		}
	}
	return s
}
