package form

import "testing"

func TestParseDisposition(t *testing.T) {
	for header, want := range map[string]struct {
		field, name string
		isFile, ok  bool
	}{
		`form-data; name="message"`:                                     {"message", "", false, true},
		`form-data; name="files"; filename=""`:                          {"files", "", true, true},
		`form-data; name="files"; filename="../../état civil «№1».pdf"`: {"files", "../../état civil «№1».pdf", true, true},
		`form-data; name="files"; filename="a\(b)\\c\"`:                 {"files", `a\(b)\\c\`, true, true},
		`form-data; name="files"; filename="say %22hi%22%0D%0A.txt"`:    {"files", "say \"hi\"\r\n.txt", true, true},
		`form-data; name="files"; filename="100%25; x=y"`:               {"files", "100%25; x=y", true, true},
		"form-data; name=\"files\"; filename=\"tab\tbell\a\"":           {"files", "tab\tbell\a", true, true},
		"form-data; name=\"files\"; filename=\"\xff\"":                  {"files", "\ufffd", true, true},
		`form-data;name="files";filename="x"`:                           {"files", "x", true, true},
		`form-data; name="files"; filename="quote"inside.pdf"`:          {"files", `quote"inside.pdf`, true, true},
		``:                                    {},
		`form-data`:                           {},
		`attachment; name="x"`:                {},
		`form-data; name=x`:                   {},
		`form-data; name="x`:                  {},
		`form-data; name="x"; filename="y`:    {},
		`form-data; name="x"; filename="y" z`: {},
		`form-data; filename="y"; name="x"`:   {},
	} {
		field, name, isFile, ok := parseDisposition(header)
		if field != want.field || name != want.name || isFile != want.isFile || ok != want.ok {
			t.Errorf("%q: %q, %q, %v, %v", header, field, name, isFile, ok)
		}
	}
}
