package form_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"sourdine/submit/form"
)

const boundary = "----geckoformboundary8d5a"

// A piece is a part as the tests compare it.
type piece struct{ field, name, content string }

// read takes a whole form, its content in steps of the given size.
func read(body io.Reader, step int) (pieces []piece, err error) {
	r, err := form.NewReader(body, boundary)
	if err != nil {
		return nil, err
	}
	for {
		p, err := r.Next()
		if err == io.EOF {
			return pieces, nil
		}
		if err != nil {
			return pieces, err
		}
		var content bytes.Buffer
		if _, err := io.CopyBuffer(&content, struct{ io.Reader }{p}, make([]byte, step)); err != nil {
			return pieces, err
		}
		pieces = append(pieces, piece{p.Field, p.FileName, content.String()})
	}
}

func write(t testing.TB, pieces ...piece) []byte {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(boundary); err != nil {
		t.Fatal(err)
	}
	for _, p := range pieces {
		part, err := w.CreateFormFile(p.field, p.name)
		if err == nil {
			_, err = io.WriteString(part, p.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func same(t *testing.T, what string, got, want []piece, err error) {
	t.Helper()
	if err != nil || fmt.Sprint(len(got)) != fmt.Sprint(len(want)) {
		t.Errorf("%s: %d parts, %v, want %d", what, len(got), err, len(want))
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: part %d: %.80q (%d bytes), want %.80q (%d bytes)", what, i, got[i], len(got[i].content), want[i], len(want[i].content))
		}
	}
}

// likeness is content that looks like a delimiter and is none.
var likeness = []string{
	"", "\r", "\n", "\r\n", "\r\n-", "\r\n--", "--" + boundary, "--" + boundary + "--",
	"\r\n--" + boundary[:20], "\r\n--" + boundary + "x", "\r\n--" + boundary + "\r", "\r\n--" + boundary + "-",
	"\r\r\n\r\n--" + boundary[:24] + "\r\n--" + boundary + "x\r\n", strings.Repeat("\r\n--", 5000), strings.Repeat("\r", 70000),
}

func TestContentOfEveryShape(t *testing.T) {
	noise := make([]byte, 300<<10)
	rand.Read(noise)
	shapes := append([]string{string(noise)}, likeness...)
	for _, size := range []int{1, 4095, 4096, 4097, 65535, 65536, 65537} {
		shapes = append(shapes, string(noise[:size]))
	}
	var all []piece
	for i, s := range shapes {
		all = append(all, piece{"files", "framed", "x" + s + "y"})
		// At the very start of a part the boundary alone is a delimiter.
		if !strings.HasPrefix(s, "--"+boundary) {
			all = append(all, piece{"files", fmt.Sprint("n", i), s})
		}
	}
	body := write(t, all...)
	for _, step := range []int{1, 7, 100, 4095, 4096, 4097, 64 << 10, 1 << 20} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "half": iotest.HalfReader, "data with EOF": iotest.DataErrReader,
		} {
			got, err := read(wrap(bytes.NewReader(body)), step)
			same(t, fmt.Sprint(name, " by ", step), got, all, err)
		}
	}
	got, err := read(iotest.OneByteReader(bytes.NewReader(body)), 64<<10)
	same(t, "byte by byte", got, all, err)
}

// Every beginning of a form is a form that was cut off, and says so.
func TestEveryCutIsTold(t *testing.T) {
	body := write(t, piece{"channel", "", "Nice"}, piece{"files", "a.pdf", "content \r\n--" + boundary + "x"}, piece{"files", "", ""})
	closing := len(body) - len("\r\n")
	for n := range closing {
		for _, step := range []int{3, 64 << 10} {
			if _, err := read(bytes.NewReader(body[:n]), step); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("cut at %d of %d, by %d: %v", n, closing, step, err)
			}
		}
	}
	if _, err := read(bytes.NewReader(body[:closing]), 512); err != nil {
		t.Errorf("without the last line's end: %v", err)
	}
}

func TestNotAForm(t *testing.T) {
	head := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
	end := "\r\n--" + boundary + "--\r\n"
	for name, body := range map[string]string{
		"preamble":                 "hello\r\n" + head + end,
		"another boundary":         strings.Replace(head, boundary, "another-boundary-that-is-as-long", 1) + end,
		"bare line feeds":          strings.ReplaceAll(head+end, "\r\n", "\n") + strings.Repeat(" ", 100),
		"epilogue":                 head + end + "more",
		"an epilogue of blanks":    head + end + strings.Repeat(" ", 17),
		"no header":                "--" + boundary + "\r\n\r\ncontent\r\n\r\n" + end,
		"no disposition":           "--" + boundary + "\r\nContent-Type: text/plain\r\n\r\n" + end,
		"two dispositions":         strings.Replace(head, "\r\n\r\n", "\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n", 1) + end,
		"a line without a colon":   strings.Replace(head, "\r\n\r\n", "\r\nnonsense\r\n\r\n", 1) + end,
		"a folded line":            strings.Replace(head, "; name", ";\r\n name", 1) + end,
		"a blank before the colon": strings.Replace(head, "Disposition:", "Disposition :", 1) + end,
		"a bare CR in a line":      strings.Replace(head, "name=\"a\"", "name=\"a\rb\"", 1) + end,
		"too many lines":           strings.Replace(head, "\r\n\r\n", strings.Repeat("\r\nX: y", 8)+"\r\n\r\n", 1) + end,
		"a header without end":     strings.Replace(head, "\r\n\r\n", "\r\nX: "+strings.Repeat("y", 2*form.MaxHeader), 1),
	} {
		for _, step := range []int{5, 64 << 10} {
			if pieces, err := read(strings.NewReader(body), step); !errors.Is(err, form.ErrMalformed) {
				t.Errorf("%s: %d parts, %v", name, len(pieces), err)
			}
		}
	}
	for _, b := range []string{"", strings.Repeat("b", 71), "a\r\nb"} {
		if _, err := form.NewReader(strings.NewReader(""), b); err == nil {
			t.Errorf("boundary %q was accepted", b)
		}
	}
}

// RFC 2046 allows a part without content to have no empty line after its header.
func TestPartWithoutContent(t *testing.T) {
	head := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"a\"\r\n"
	want := []piece{{"a", "", ""}, {"a", "", ""}}
	for _, line := range []string{"\r\n", "\r\n\r\n"} {
		got, err := read(strings.NewReader(head+line+head+line+"--"+boundary+"--"), 5)
		same(t, fmt.Sprintf("%q", line), got, want, err)
	}
}

// What the body's reader says is passed on, and again when asked again.
func TestErrorsOfTheBody(t *testing.T) {
	broken := errors.New("the line broke")
	body := write(t, piece{"files", "a", strings.Repeat("x", 10000)})
	for _, n := range []int{0, 10, 60, 5000} {
		r, err := form.NewReader(io.MultiReader(bytes.NewReader(body[:n]), iotest.ErrReader(broken)), boundary)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for err == nil {
				_, err = r.Next()
			}
			if !errors.Is(err, broken) {
				t.Errorf("after %d bytes: %v", n, err)
			}
			_, err = r.Next()
		}
	}
}

// A part that is over gives nothing of the next one.
func TestPartIsGoneWithTheNext(t *testing.T) {
	r, err := form.NewReader(bytes.NewReader(write(t, piece{"a", "a", "first"}, piece{"b", "b", "second"})), boundary)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := r.Next()
	if _, err := io.CopyN(io.Discard, first, 2); err != nil {
		t.Fatal(err)
	}
	second, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := first.Read(make([]byte, 10)); n > 0 || err == nil {
		t.Errorf("the first part gave %d bytes, %v", n, err)
	}
	if got, err := io.ReadAll(second); string(got) != "second" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	r.Forget()
	r.Forget()
	if _, err := r.Next(); !errors.Is(err, form.ErrMalformed) {
		t.Errorf("after Forget: %v", err)
	}
	if n, err := second.Read(make([]byte, 10)); n > 0 || err == nil {
		t.Errorf("after Forget a part gave %d bytes, %v", n, err)
	}
}

// lenient is where the standard library sees a delimiter and the Reader content:
// it needs no whole line end after the boundary.
var lenient = regexp.MustCompile("\r?\n--" + boundary + "([ \t]|\n|\r($|[^\n])|-($|[^-]))|--" + boundary + "--[^\r]")

// FuzzReader checks one law: what is accepted, the standard library reads as
// the same parts, in whatever steps it is read.
func FuzzReader(f *testing.F) {
	f.Add(write(f, piece{"channel", "", "Nice"}, piece{"files", "a.pdf", "content"}), uint16(7))
	f.Add(write(f), uint16(1))
	for _, s := range likeness {
		if len(s) < 1000 {
			f.Add(write(f, piece{"files", "x", s}), uint16(4096))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, step uint16) {
		got, err := read(bytes.NewReader(body), 1+int(step))
		crumbs, crumbsErr := read(iotest.HalfReader(bytes.NewReader(body)), 5000)
		if fmt.Sprint(err) != fmt.Sprint(crumbsErr) || (err == nil && fmt.Sprint(got) != fmt.Sprint(crumbs)) {
			t.Fatalf("read otherwise in other steps: %v, %v", err, crumbsErr)
		}
		if err != nil || lenient.Match(body) {
			return
		}
		other := multipart.NewReader(bytes.NewReader(bytes.TrimRight(body, " \t\r\n")), boundary)
		for i, p := range got {
			part, err := other.NextRawPart()
			if err != nil && strings.Contains(err.Error(), "malformed MIME header") {
				return // it refuses control characters, which file names may have
			}
			if err != nil {
				t.Fatalf("part %d of %d: %v", i, len(got), err)
			}
			content, err := io.ReadAll(part)
			if err != nil || string(content) != p.content {
				t.Fatalf("part %d: %q, %v, want %q", i, content, err, p.content)
			}
		}
		if _, err := other.NextRawPart(); err != io.EOF {
			t.Fatalf("the standard library finds more than %d parts: %v", len(got), err)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	content := make([]byte, 64<<20)
	rand.Read(content)
	body := write(b, piece{"files", "a", string(content)})
	b.Run("form", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		buf := make([]byte, 64<<10)
		for b.Loop() {
			r, _ := form.NewReader(bytes.NewReader(body), boundary)
			p, _ := r.Next()
			if _, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{p}, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("mime-multipart", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		buf := make([]byte, 64<<10)
		for b.Loop() {
			p, _ := multipart.NewReader(bytes.NewReader(body), boundary).NextRawPart()
			if _, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{p}, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}
