package form

import (
	"strings"
	"unicode/utf8"
)

// parseDisposition reads a part's Content-Disposition as browsers write it
// (HTML, "multipart/form-data encoding algorithm"): in name and filename only
// the quote, CR and LF are escaped, as %22, %0D and %0A; everything else,
// backslashes too, stands for itself. The rules of mail, which package mime
// follows, would change or refuse such names. What looks like a folder is kept:
// the name is an exhibit's, and never becomes a path.
func parseDisposition(header string) (field, fileName string, isFile, ok bool) {
	rest, ok := strings.CutPrefix(header, "form-data;")
	if !ok {
		return "", "", false, false
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), `name="`)
	if !ok {
		return "", "", false, false
	}
	field, rest, ok = strings.Cut(rest, `"`)
	if !ok {
		return "", "", false, false
	}
	rest = strings.TrimSpace(rest)
	if rest == "" {
		return unescape(field), "", false, true
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(strings.TrimPrefix(rest, ";"), " "), `filename="`)
	if !ok {
		return "", "", false, false
	}
	// Up to the last quote: a client that escapes it otherwise loses nothing.
	end := strings.LastIndexByte(rest, '"')
	if end < 0 || strings.TrimSpace(rest[end+1:]) != "" {
		return "", "", false, false
	}
	return unescape(field), unescape(rest[:end]), true, true
}

var unescapeName = strings.NewReplacer("%22", `"`, "%0D", "\r", "%0A", "\n")

func unescape(s string) string {
	return strings.ToValidUTF8(unescapeName.Replace(s), string(utf8.RuneError))
}
