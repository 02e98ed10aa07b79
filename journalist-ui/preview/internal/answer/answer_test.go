package answer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func pixels(w, h uint16) Page {
	return Page{FullWidth: 2 * uint32(w), FullHeight: uint32(h), Width: w, Height: h, RGB: bytes.Repeat([]byte{1, 2, 3}, int(w)*int(h))}
}

func samples() map[string]Answer {
	return map[string]Answer{
		"empty text":   {Kind: Text, MediaType: "text/plain"},
		"text":         {Kind: Text, MediaType: "text/html", Text: "<b>№ 1</b>\n", Cut: true},
		"full text":    {Kind: Text, MediaType: "text/plain", Text: strings.Repeat("a", MaxText)},
		"picture":      {Kind: Image, MediaType: "image/png", Pages: []Page{pixels(3, 2)}},
		"pages":        {Kind: Image, MediaType: "application/pdf", Pages: []Page{pixels(1, 1), pixels(MaxWidth, 1), pixels(1, MaxHeight)}},
		"largest page": {Kind: Image, MediaType: "image/png", Pages: []Page{pixels(MaxWidth, MaxHeight)}},
		"other":        {Kind: Other, MediaType: "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		"too large":    {Kind: TooLarge, MediaType: "image/png", Width: 60000, Height: 1 << 31},
		"file too big": {Kind: TooLarge, MediaType: "image/png"},
		"damaged":      {Kind: Damaged, MediaType: "image/gif"},
	}
}

func written(t testing.TB, a Answer) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for name, a := range samples() {
		b := written(t, a)
		readers := map[string]io.Reader{"whole": bytes.NewReader(b)}
		if len(b) < 1000 {
			readers["byte by byte"] = iotest.OneByteReader(bytes.NewReader(b))
		}
		for how, r := range readers {
			got, err := Read(r)
			if err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
			} else if !reflect.DeepEqual(a, got) {
				t.Errorf("%s, %s: came back as %.200v", name, how, got)
			}
		}
	}
}

func TestTruncatedOrTooLong(t *testing.T) {
	for name, a := range samples() {
		b := written(t, a)
		if len(b) > 1000 {
			continue
		}
		for n := range b {
			if _, err := Read(bytes.NewReader(b[:n])); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s, first %d bytes: %v", name, n, err)
			}
		}
		if _, err := Read(bytes.NewReader(append(b, 0))); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s and one byte more: %v", name, err)
		}
	}
}

func TestHostileAnswers(t *testing.T) {
	u16, u32 := binary.BigEndian.AppendUint16, binary.BigEndian.AppendUint32
	text := func(s string) []byte { return append(u32([]byte("t\x00\x0atext/plain"), uint32(len(s))), s...) }
	image := func(n uint16) []byte { return u16([]byte("i\x00\x09image/png"), n) }
	size := func(b []byte, fw, fh uint32, w, h uint16) []byte { return u16(u16(u32(u32(b, fw), fh), w), h) }
	for name, b := range map[string][]byte{
		"nothing":                {},
		"unknown kind":           []byte("x\x00\x09image/png"),
		"cut is 2":               []byte("o\x02\x09image/png"),
		"nothing, cut":           []byte("o\x01\x09image/png"),
		"no media type":          []byte("o\x00\x00"),
		"media type with markup": []byte("o\x00\x0aa/<script>"),
		"media type in capitals": []byte("o\x00\x09IMAGE/PNG"),
		"media type of two":      []byte("o\x00\x05a/b/c"),
		"media type with line":   []byte("o\x00\x05a/b\r\n"),
		"endless media type":     append([]byte("o\x00\xffa/"), bytes.Repeat([]byte("b"), 253)...),
		"4 GiB of text":          u32([]byte("t\x00\x0atext/plain"), 1<<32-1),
		"text over the limit":    text(strings.Repeat("a", MaxText+1)),
		"text not UTF-8":         text("\xff"),
		"text with escape":       text("\x1b[2J"),
		"text turned":            text("a\u202eb"),
		"text with return":       text("a\r\n"),
		"no page":                image(0),
		"65,535 pages":           image(65535),
		"page of no width":       size(image(1), 9, 9, 0, 9),
		"page too wide":          size(image(1), 1<<20, 9, MaxWidth+1, 9),
		"page too high":          size(image(1), 9, 1<<20, 9, MaxHeight+1),
		"page enlarged":          append(size(image(1), 1, 1, 2, 1), 1, 2, 3, 4, 5, 6),
	} {
		if a, err := Read(bytes.NewReader(b)); err == nil {
			t.Errorf("%s: accepted as %+v", name, a)
		}
	}
}

// Two pages that are each allowed are too much together, and are refused
// before the second one's pixels are read.
func TestPixelsAddUp(t *testing.T) {
	b := written(t, Answer{Kind: Image, MediaType: "image/png", Pages: []Page{pixels(MaxWidth, MaxHeight)}})
	b[len("i\x00\x09image/png")+1] = 2 // pages
	r := bytes.NewReader(append(bytes.Clone(b), b[len("i\x00\x09image/png")+2:]...))
	if _, err := Read(r); err == nil || !strings.Contains(err.Error(), "more than 16000000 pixels") {
		t.Errorf("%v", err)
	}
	if r.Len() < MaxWidth*MaxHeight*3 {
		t.Errorf("the second page was read: %d bytes left", r.Len())
	}
}

// A claim alone gets no memory.
func TestClaimCostsNothing(t *testing.T) {
	b := written(t, Answer{Kind: Image, MediaType: "image/png", Pages: []Page{pixels(MaxWidth, MaxHeight)}})[:100]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const runs = 100
	for range runs {
		if _, err := Read(bytes.NewReader(b)); err == nil {
			t.Fatal("accepted")
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / runs; each > 10_000 {
		t.Errorf("%d bytes for 100 that came", each)
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, a := range map[string]Answer{
		"hidden text":     {Kind: Text, MediaType: "text/plain", Text: "\u202e"},
		"too few pixels":  {Kind: Image, MediaType: "image/png", Pages: []Page{{1, 1, 1, 1, nil}}},
		"media type":      {Kind: Other},
		"unknown kind":    {MediaType: "a/b"},
		"too many pixels": {Kind: Image, MediaType: "a/b", Pages: []Page{pixels(MaxWidth, MaxHeight), pixels(1, 1)}},
	} {
		var b bytes.Buffer
		if err := Write(&b, a); err == nil || b.Len() > 0 {
			t.Errorf("%s: error %v after %d bytes", name, err, b.Len())
		}
	}
}

func TestReady(t *testing.T) {
	var b bytes.Buffer
	if err := Ready(&b, nil); err != nil {
		t.Fatal(err)
	}
	b.WriteString("rest")
	if err := AwaitReady(&b); err != nil || b.String() != "rest" {
		t.Errorf("%v, left %q", err, b.String())
	}
	for _, reason := range []string{"no landlock", "two\nlines\x1b", strings.Repeat("é", 1000), ""} {
		b.Reset()
		if err := Ready(&b, errors.New(reason)); err != nil {
			t.Fatal(err)
		}
		err := AwaitReady(&b)
		if err == nil || len(err.Error()) > maxLine || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q came over as %v", reason, err)
		} else if !strings.HasPrefix(reason, err.Error()) && !strings.Contains(reason, "\x1b") {
			t.Errorf("%q came over as %v", reason, err)
		}
	}
	for _, line := range []string{"", "\n", "usage: sourdine-desk\n", "sourdine preview 2: shut in\n",
		"sourdine preview 1: shut in", strings.Repeat("x", 10_000), refusalLine + "\x1b[2J\n"} {
		if err := AwaitReady(strings.NewReader(line)); err == nil || len(err.Error()) > 200 || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%.40q: %v", line, err)
		}
	}
}

// FuzzRead: what is accepted re-encodes to the same bytes.
func FuzzRead(f *testing.F) {
	seeds := 0
	for _, a := range samples() {
		if b := written(f, a); len(b) < 10_000 {
			f.Add(b)
			seeds++
		}
	}
	if seeds < 5 {
		f.Fatal("hardly any seeds")
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		if again := written(t, a); !bytes.Equal(again, b) {
			t.Fatalf("%q re-encodes to %q", b, again)
		}
	})
}
