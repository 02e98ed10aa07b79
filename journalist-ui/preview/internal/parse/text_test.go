package parse

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"sourdine/journalist-ui/preview/internal/answer"
)

func utf16Bytes(order binary.AppendByteOrder, s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func TestText(t *testing.T) {
	const french = "Marché nº 12 : œuvre d’art à 10 €\n"
	for name, c := range map[string]struct {
		in    []byte
		want  string
		media string
	}{
		"empty":                   {nil, "", "text/plain"},
		"utf-8":                   {[]byte(french), french, "text/plain"},
		"utf-8 with mark":         {[]byte("\ufeff" + french), french, "text/plain"},
		"utf-16 little":           {utf16Bytes(binary.LittleEndian, french+"😀"), french + "😀", "text/plain"},
		"utf-16 big":              {utf16Bytes(binary.BigEndian, french), french, "text/plain"},
		"utf-16, odd byte":        {append(utf16Bytes(binary.BigEndian, "ab"), 'c'), "ab�", "text/plain"},
		"utf-16, lone surrogate":  {[]byte("\xff\xfe\x00\xd8a\x00"), "�a", "text/plain"},
		"only a mark":             {[]byte("\xff\xfe"), "", "text/plain"},
		"windows-1252":            {[]byte("March\xe9 n\xba 12 : \x9cuvre d\x92art \xe0 10 \x80\n"), french, "text/plain"},
		"windows-1252, undefined": {[]byte("\x81\x8d caf\xe9"), "�� café", "text/plain"},
		"html":                    {[]byte("<!DOCTYPE html><script>alert(1)</script>"), "<!DOCTYPE html><script>alert(1)</script>", "text/html"},
		"svg":                     {[]byte("<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"x()\"/>"), "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"x()\"/>", "image/svg+xml"},
		"script":                  {[]byte("#!/bin/sh\nrm -rf /\n"), "#!/bin/sh\nrm -rf /\n", "text/x-shellscript"},
		"json":                    {[]byte("{\"a\": [1, 2]}"), "{\"a\": [1, 2]}", "application/json"},
		"turned reading":          {[]byte("facture\u202efdp.exe\r\n"), "facture⟨U+202E⟩fdp.exe\n", "text/plain"},
		"terminal codes":          {[]byte("a\x1b[2Jb"), "a␛[2Jb", "text/plain"},
	} {
		t.Run(name, func(t *testing.T) {
			a := document(t, c.in)
			if a.Kind != answer.Text || a.Text != c.want || a.MediaType != c.media || a.Cut {
				t.Errorf("%c %q %s cut %v, want %q %s", a.Kind, a.Text, a.MediaType, a.Cut, c.want, c.media)
			}
		})
	}
}

func TestNotText(t *testing.T) {
	for name, c := range map[string]struct{ in, media string }{
		"pdf":            {"%PDF-1.7\n1 0 obj\n", "application/pdf"},
		"pdf and html":   {"%PDF-1.7\n<html><script>alert(1)</script>", "application/pdf"},
		"zip":            {"PK\x03\x04" + strings.Repeat("\x00", 40), "application/zip"},
		"program":        {"\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 60), "application/x-elf"},
		"zeros":          {strings.Repeat("\x00", 5000), "application/octet-stream"},
		"text and zeros": {"hello\x00\x00\x01\x02", "application/octet-stream"},
	} {
		a := document(t, []byte(c.in))
		if a.Kind != answer.Other || !strings.HasPrefix(a.MediaType, c.media) || a.Text != "" {
			t.Errorf("%s: kind %c, %s", name, a.Kind, a.MediaType)
		}
	}
}

func TestLongText(t *testing.T) {
	const limit = answer.MaxText
	for name, c := range map[string]struct {
		in   []byte
		len  int
		cut  bool
		tail string
	}{
		"just fits":               {bytes.Repeat([]byte("a"), limit), limit, false, "a"},
		"one byte more":           {bytes.Repeat([]byte("a"), limit+1), limit, true, "a"},
		"cut in a character":      {append([]byte("ab"), bytes.Repeat([]byte("€"), limit/3)...), limit - 2, true, "€"},
		"cut in a 4-byte one":     {append([]byte("abc"), bytes.Repeat([]byte("😀"), limit/4)...), limit - 1, true, "😀"},
		"windows-1252 grows":      {bytes.Repeat([]byte("\xe9"), limit), limit, true, "é"},
		"utf-16 shrinks":          {utf16Bytes(binary.LittleEndian, strings.Repeat("a", limit)), limit/2 - 1, true, "a"},
		"hidden characters grow":  {bytes.Repeat([]byte("a\u202e"), limit/8), limit, true, ""},
		"binary after the sample": {append(bytes.Repeat([]byte("a"), 5000), 0, 1, 2), 5009, false, "␀␁␂"},
	} {
		a := document(t, c.in)
		if a.Kind != answer.Text || a.Cut != c.cut || !strings.HasSuffix(a.Text, c.tail) || !utf8.ValidString(a.Text) {
			t.Errorf("%s: kind %c, cut %v, %d bytes, tail %q", name, a.Kind, a.Cut, len(a.Text), a.Text[max(0, len(a.Text)-8):])
		}
		if d := c.len - len(a.Text); d < 0 || d > 12 || c.tail != "" && d != 0 {
			t.Errorf("%s: %d bytes, want %d", name, len(a.Text), c.len)
		}
	}
}

func TestTextStopsReading(t *testing.T) {
	r := &endless{start: bytes.Repeat([]byte("line\n"), answer.MaxText)}
	if a, err := Document(r); err != nil || a.Kind != answer.Text || !a.Cut {
		t.Fatalf("%v, kind %c", err, a.Kind)
	}
	if r.n > answer.MaxText+1 {
		t.Errorf("%d bytes were read", r.n)
	}
}

// FuzzDocument: whatever comes in, an answer that keeps its rules comes out.
func FuzzDocument(f *testing.F) {
	f.Add([]byte("text"))
	for _, format := range []string{"jpeg", "png", "gif", "bmp", "tiff"} {
		f.Add(encoded(f, format, quarters(8, 4)))
	}
	f.Add(tiffPages(2, 8))
	f.Add(withEXIF(binary.BigEndian, encoded(f, "jpeg", quarters(8, 4)), 7))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Document(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Write(&bytes.Buffer{}, a); err != nil {
			t.Fatal(err)
		}
	})
}
