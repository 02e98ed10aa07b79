package parse

import (
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/gabriel-vasile/mimetype"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"sourdine/journalist-ui/preview/internal/answer"
)

// A codec decodes one format. more looks at what came before and after the picture that was
// decoded, and reports whether there are others.
type codec struct {
	media  string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	turned func(file []byte) orientation
	more   func(file, unread []byte) bool
}

// The formats are named here and nowhere registered: what image.Decode knows
// depends on imports elsewhere.
func codecs() []codec {
	upright := func([]byte) orientation { return 1 }
	single := func(_, _ []byte) bool { return false }
	return []codec{
		{"image/jpeg", jpeg.DecodeConfig, jpeg.Decode, jpegOrientation, single},
		{"image/vnd.mozilla.apng", png.DecodeConfig, png.Decode, upright, func(_, _ []byte) bool { return true }},
		{"image/png", png.DecodeConfig, png.Decode, upright, single},
		{"image/gif", gif.DecodeConfig, gif.Decode, upright, moreFrames},
		{"image/webp", webp.DecodeConfig, webp.Decode, upright, single},
		{"image/bmp", bmp.DecodeConfig, bmp.Decode, upright, single},
		{"image/tiff", tiff.DecodeConfig, tiff.Decode, tiffOrientation, morePages},
	}
}

func findCodec(m *mimetype.MIME) (codec, bool) {
	for _, c := range codecs() {
		if m.Is(c.media) {
			return c, true
		}
	}
	return codec{}, false
}

// picture decodes the first picture of a file.
func (c codec) picture(file []byte, media string) answer.Answer {
	if len(file) > MaxFile {
		return answer.Answer{Kind: answer.TooLarge, MediaType: media}
	}
	damaged := answer.Answer{Kind: answer.Damaged, MediaType: media}
	// The claimed size decides before the pixels get any memory.
	conf, err := c.config(bytes.NewReader(file))
	if err != nil || conf.Width <= 0 || conf.Height <= 0 {
		return damaged
	}
	if tooMany(conf.Width, conf.Height) {
		return answer.Answer{Kind: answer.TooLarge, MediaType: media, Width: clamp(conf.Width), Height: clamp(conf.Height)}
	}
	r := bytes.NewReader(file)
	img, err := c.decode(r)
	if err != nil || img.Bounds().Empty() || tooMany(img.Bounds().Dx(), img.Bounds().Dy()) {
		return damaged
	}
	return answer.Answer{
		Kind:      answer.Image,
		MediaType: media,
		Cut:       c.more(file, file[len(file)-r.Len():]),
		Pages:     []answer.Page{page(img, c.turned(file))},
	}
}

func tooMany(w, h int) bool { return w > MaxDecoded/h }

func clamp(n int) uint32 { return uint32(min(n, 1<<31)) }

// moreFrames looks at the block behind the first frame (GIF89a, appendix A):
// only the trailer, 0x3b, ends the file.
func moreFrames(_, unread []byte) bool {
	return len(unread) > 0 && unread[0] != 0x3b
}

func morePages(file, _ []byte) bool {
	return readIFD(file).next != 0
}
