package preview

import (
	"bytes"
	"fmt"
	"image"
	"image/png"

	"sourdine/journalist-ui/preview/internal/answer"
)

// encode makes the PNG that the browser gets, out of nothing but pixels.
func encode(p answer.Page) (Page, error) {
	img := image.NewRGBA(image.Rect(0, 0, int(p.Width), int(p.Height)))
	for i, j := 0, 0; j+3 <= len(p.RGB); i, j = i+4, j+3 {
		copy(img.Pix[i:i+3], p.RGB[j:j+3])
		img.Pix[i+3] = 255
	}
	// The browser is on this machine: time counts, not size.
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	var b bytes.Buffer
	if err := enc.Encode(&b, img); err != nil {
		return Page{}, fmt.Errorf("encoding the preview: %w", err)
	}
	return Page{
		PNG:   b.Bytes(),
		Width: int(p.Width), Height: int(p.Height),
		FullWidth: int(p.FullWidth), FullHeight: int(p.FullHeight),
	}, nil
}
