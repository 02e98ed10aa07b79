package parse

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"sourdine/journalist-ui/preview/internal/answer"
)

// The four corners of every picture made here: red, green, blue, white.
func quarters(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, corner(x*2/w, y*2/h))
		}
	}
	return img
}

func corner(right, down int) color.RGBA {
	return [2][2]color.RGBA{
		{{255, 0, 0, 255}, {0, 255, 0, 255}},
		{{0, 0, 255, 255}, {255, 255, 255, 255}},
	}[down][right]
}

// checkQuarters looks at the middle of each quarter of a page.
func checkQuarters(t *testing.T, p answer.Page) {
	t.Helper()
	w, h := int(p.Width), int(p.Height)
	if len(p.RGB) != 3*w*h {
		t.Fatalf("%d bytes for %d × %d pixels", len(p.RGB), w, h)
	}
	for _, q := range [][2]int{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		x, y := w/4+q[0]*w/2, h/4+q[1]*h/2
		got, want := p.RGB[3*(y*w+x):][:3], corner(q[0], q[1])
		for i, c := range []uint8{want.R, want.G, want.B} {
			if d := int(got[i]) - int(c); d < -8 || d > 8 {
				t.Errorf("quarter %v: colour %v, want %v", q, got, want)
				break
			}
		}
	}
}

func encoded(t testing.TB, format string, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "jpeg":
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 100})
	case "png":
		err = png.Encode(&b, img)
	case "gif":
		err = gif.Encode(&b, img, nil)
	case "bmp":
		err = bmp.Encode(&b, img)
	case "tiff":
		err = tiff.Encode(&b, img, &tiff.Options{Compression: tiff.Deflate})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func document(t *testing.T, b []byte) answer.Answer {
	t.Helper()
	a, err := Document(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Write(&bytes.Buffer{}, a); err != nil {
		t.Errorf("the answer breaks its own rules: %v", err)
	}
	return a
}

func TestPictures(t *testing.T) {
	gray := image.NewGray16(image.Rect(0, 0, 9, 7))
	for _, c := range []struct {
		name, format string
		img          image.Image
	}{
		{"jpeg", "jpeg", quarters(64, 32)},
		{"png", "png", quarters(64, 32)},
		{"gif", "gif", quarters(64, 32)},
		{"bmp", "bmp", quarters(64, 32)},
		{"tiff", "tiff", quarters(64, 32)},
		{"16-bit gray png", "png", gray},
		{"16-bit gray tiff", "tiff", gray},
		{"one pixel", "png", quarters(1, 1)},
		{"origin elsewhere", "png", quarters(64, 32).SubImage(image.Rect(5, 6, 20, 30))},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := document(t, encoded(t, c.format, c.img))
			if a.Kind != answer.Image || a.MediaType != "image/"+c.format || len(a.Pages) != 1 || a.Cut {
				t.Fatalf("kind %c, %s, %d pages, cut %v", a.Kind, a.MediaType, len(a.Pages), a.Cut)
			}
			p, b := a.Pages[0], c.img.Bounds()
			if int(p.Width) != b.Dx() || int(p.Height) != b.Dy() || p.FullWidth != uint32(b.Dx()) || p.FullHeight != uint32(b.Dy()) {
				t.Errorf("%d × %d pixels of %d × %d, want all of %v", p.Width, p.Height, p.FullWidth, p.FullHeight, b)
			}
			if b.Dx() == 64 {
				checkQuarters(t, p)
			}
		})
	}
}

func TestWebP(t *testing.T) {
	for name, file := range map[string]string{
		"lossy":    "UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=",
		"lossless": "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==",
	} {
		b, err := base64.StdEncoding.DecodeString(file)
		if err != nil {
			t.Fatal(err)
		}
		a := document(t, b)
		if a.Kind != answer.Image || a.MediaType != "image/webp" || a.Pages[0].Width != 1 {
			t.Errorf("%s: %+v", name, a)
		}
		if a := document(t, b[:len(b)-12]); a.Kind != answer.Damaged {
			t.Errorf("%s, truncated: kind %c", name, a.Kind)
		}
	}
}

// withEXIF puts an APP1 segment with an orientation, and a place that must not
// get out, before a JPEG's other segments.
func withEXIF(order binary.AppendByteOrder, file []byte, o uint16) []byte {
	mark := "MM\x00*"
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		mark = "II*\x00"
	}
	b := append([]byte("Exif\x00\x00"), mark...)
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	entry := func(tag, kind uint16, count uint32, value []byte) {
		b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, tag), kind), count)
		b = append(b, value...)
	}
	entry(0x010f, 2, 4, []byte("GPS\x00"))
	entry(tagOrientation, 3, 1, append(order.AppendUint16(nil, o), 0, 0))
	b = order.AppendUint32(b, 0)
	out := append([]byte{0xff, 0xd8, 0xff, 0xff, 0xe1}, byte((len(b)+2)>>8), byte(len(b)+2))
	return append(append(out, b...), file[2:]...)
}

// The sides that the stored row 0 and column 0 show, from TIFF 6.0, p. 36.
func sides() map[uint16][2]string {
	return map[uint16][2]string{
		1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
		5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"},
	}
}

// lying returns the picture as a camera stores it that was held that way.
func lying(upright *image.RGBA, o uint16) *image.RGBA {
	w, h := upright.Rect.Dx(), upright.Rect.Dy()
	storedW, storedH := w, h
	if o >= 5 {
		storedW, storedH = h, w
	}
	stored := image.NewRGBA(image.Rect(0, 0, storedW, storedH))
	shown := sides()[o]
	for row := range storedH {
		for col := range storedW {
			x, y := along(row, shown[0], 0, 0, w, h)
			x, y = along(col, shown[1], x, y, w, h)
			stored.SetRGBA(col, row, upright.RGBAAt(x, y))
		}
	}
	return stored
}

// along moves n steps away from a side.
func along(n int, side string, x, y, w, h int) (int, int) {
	switch side {
	case "top":
		return x, n
	case "bottom":
		return x, h - 1 - n
	case "left":
		return n, y
	default:
		return w - 1 - n, y
	}
}

func TestOrientation(t *testing.T) {
	for o := range sides() {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			t.Run(fmt.Sprintf("%d %v", o, order), func(t *testing.T) {
				a := document(t, withEXIF(order, encoded(t, "jpeg", lying(quarters(64, 32), o)), o))
				if a.Kind != answer.Image || a.Pages[0].Width != 64 || a.Pages[0].FullHeight != 32 {
					t.Fatalf("kind %c, %+v", a.Kind, a.Pages)
				}
				checkQuarters(t, a.Pages[0])
			})
		}
	}
	// Large enough to be scaled down, and lying on its side.
	a := document(t, withEXIF(binary.BigEndian, encoded(t, "jpeg", lying(quarters(3200, 1600), 6)), 6))
	if p := a.Pages[0]; p.Width != 1600 || p.Height != 800 || p.FullWidth != 3200 || p.FullHeight != 1600 {
		t.Fatalf("%d × %d of %d × %d", p.Width, p.Height, p.FullWidth, p.FullHeight)
	}
	checkQuarters(t, a.Pages[0])
	// Nonsense is upright.
	for _, o := range []uint16{0, 9, 65535} {
		checkQuarters(t, document(t, withEXIF(binary.BigEndian, encoded(t, "jpeg", quarters(64, 32)), o)).Pages[0])
	}
}

// tiffPages makes uncompressed gray pages of 2 × 2 pixels.
func tiffPages(n int, o uint16) []byte {
	le := binary.LittleEndian
	b := append(le.AppendUint32([]byte("II*\x00"), 12), 10, 20, 30, 40)
	for i := range n {
		entries := [][3]uint32{
			{256, 3, 2}, {257, 3, 2}, {258, 3, 8}, {259, 3, 1}, {262, 3, 1},
			{273, 4, 8}, {tagOrientation, 3, uint32(o)}, {277, 3, 1}, {278, 3, 2}, {279, 4, 4},
		}
		b = le.AppendUint16(b, uint16(len(entries)))
		for _, e := range entries {
			b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, uint16(e[0])), uint16(e[1])), 1), e[2])
		}
		next := uint32(0)
		if i < n-1 {
			next = uint32(len(b) + 4)
		}
		b = le.AppendUint32(b, next)
	}
	return b
}

func TestMoreThanOnePictureIsSaid(t *testing.T) {
	frame := image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{color.Black, color.White})
	var one, two bytes.Buffer
	if err := gif.EncodeAll(&one, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}}); err != nil {
		t.Fatal(err)
	}
	if err := gif.EncodeAll(&two, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	still := encoded(t, "png", quarters(2, 2))
	for name, c := range map[string]struct {
		file []byte
		cut  bool
	}{
		"gif of one frame":  {one.Bytes(), false},
		"gif of two frames": {two.Bytes(), true},
		"tiff of one page":  {tiffPages(1, 1), false},
		"tiff of three":     {tiffPages(3, 1), true},
		"png":               {still, false},
	} {
		a := document(t, c.file)
		if a.Kind != answer.Image || a.Cut != c.cut {
			t.Errorf("%s: kind %c, cut %v", name, a.Kind, a.Cut)
		}
	}
	apng := append(append(bytes.Clone(still[:33]), chunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0})...), still[33:]...)
	if a := document(t, apng); a.Kind != answer.Image || !a.Cut || a.MediaType != "image/vnd.mozilla.apng" {
		t.Errorf("animated png: kind %c, cut %v, %s", a.Kind, a.Cut, a.MediaType)
	}
	a := document(t, tiffPages(1, 6))
	if got := a.Pages[0].RGB; got[0] != 30 || got[3] != 10 || got[6] != 40 || got[9] != 20 {
		t.Errorf("a tiff turned clockwise: %v", got)
	}
}

func chunk(name string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// claiming returns a PNG whose header says w × h, without the pixels.
func claiming(t *testing.T, w, h uint32) []byte {
	b := encoded(t, "png", quarters(2, 2))
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	header = append(header, b[24:29]...)
	return append(append(bytes.Clone(b[:8]), chunk("IHDR", header)...), b[33:]...)
}

func TestHostilePictures(t *testing.T) {
	photo := encoded(t, "jpeg", quarters(640, 480))
	negative := encoded(t, "bmp", quarters(4, 4))
	binary.LittleEndian.PutUint32(negative[18:], 1<<32-4) // width
	for name, c := range map[string]struct {
		file []byte
		want answer.Kind
	}{
		"60,000 × 60,000":         {claiming(t, 60_000, 60_000), answer.TooLarge},
		"2³¹-1 × 2³¹-1":           {claiming(t, 1<<31-1, 1<<31-1), answer.Damaged}, // refused by image/png itself
		"40 million and one":      {claiming(t, 40_000_001, 1), answer.TooLarge},
		"40 million, no pixels":   {claiming(t, 8000, 5000), answer.Damaged},
		"no width":                {claiming(t, 0, 5), answer.Damaged},
		"truncated jpeg":          {photo[:len(photo)/2], answer.Damaged},
		"jpeg of its first bytes": {photo[:20], answer.Damaged},
		"png signature":           {[]byte("\x89PNG\r\n\x1a\n"), answer.Damaged},
		"gif signature":           {[]byte("GIF89a"), answer.Damaged},
		"gif of no size":          {[]byte("GIF89a\x00\x00\x00\x00\x00\x00\x00;"), answer.Damaged},
		"bmp of negative size":    {negative, answer.Damaged},
		"tiff pointing outside":   {[]byte("II*\x00\xff\xff\xff\xff"), answer.Damaged},
		"gif and script":          {[]byte("GIF89a/*\x01\x00*/=1;alert(1)//"), answer.Damaged},
		"jpeg and zip":            {append(bytes.Clone(photo), "PK\x03\x04"...), answer.Image},
	} {
		if got := document(t, c.file).Kind; got != c.want {
			t.Errorf("%s: kind %c, want %c", name, got, c.want)
		}
	}
}

func TestFileTooLarge(t *testing.T) {
	photo := encoded(t, "png", quarters(2, 2))
	a, err := Document(&endless{start: photo})
	if err != nil || a.Kind != answer.TooLarge || a.Width != 0 {
		t.Errorf("%v, %+v", err, a)
	}
}

// endless is a reader of start and then of zeros without end.
type endless struct {
	start []byte
	n     int64
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.start)
	e.start = e.start[n:]
	if n == 0 {
		clear(b)
		n = len(b)
	}
	e.n += int64(n)
	return n, nil
}

func TestTransparentShowsCheckerboard(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 16, 16)) // all transparent
	img.SetNRGBA(1, 1, color.NRGBA{255, 255, 255, 255})
	img.SetNRGBA(9, 1, color.NRGBA{255, 255, 255, 255}) // on a dark square
	img.SetNRGBA(2, 1, color.NRGBA{0, 0, 0, 128})
	p := document(t, encoded(t, "png", img)).Pages[0]
	at := func(x, y int) uint8 { return p.RGB[3*(16*y+x)] }
	if at(0, 0) != 255 || at(8, 0) != 204 || at(8, 8) != 255 || at(9, 1) != 255 || at(2, 1) != 127 {
		t.Errorf("%d %d %d %d %d", at(0, 0), at(8, 0), at(8, 8), at(9, 1), at(2, 1))
	}
}

func TestShrinkKeepsTheMean(t *testing.T) {
	for _, size := range []string{"1601x3", "1700x900", "5000x4999", "1x10001", "40000x2", "3x40000"} {
		var w, h int
		fmt.Sscanf(strings.Replace(size, "x", " ", 1), "%d %d", &w, &h)
		img := image.NewGray(image.Rect(0, 0, w, h))
		var total float64
		for i := range img.Pix {
			img.Pix[i] = uint8(i * 7)
			total += float64(img.Pix[i])
		}
		p := page(img, 1)
		if p.Width > answer.MaxWidth || p.Height > answer.MaxHeight || p.Width == 0 || p.Height == 0 {
			t.Errorf("%s: %d × %d", size, p.Width, p.Height)
		}
		var sum float64
		for _, v := range p.RGB {
			sum += float64(v)
		}
		was, is := total/float64(len(img.Pix)), sum/float64(len(p.RGB))
		if was-is > 1 || is-was > 1 {
			t.Errorf("%s: mean %f, was %f", size, is, was)
		}
	}
}
