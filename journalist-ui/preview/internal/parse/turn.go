package parse

// turn sets w × h pixels of three bytes upright. For orientations 5 to 8 the
// result is h × w.
func turn(rgb []byte, w, h int, o orientation) []byte {
	if o <= 1 || o > 8 {
		return rgb
	}
	outW, outH := w, h
	if o >= 5 {
		outW, outH = h, w
	}
	out := make([]byte, 0, len(rgb))
	for y := range outH {
		for x := range outW {
			sx, sy := o.source(x, y, w, h)
			i := 3 * (sy*w + sx)
			out = append(out, rgb[i:i+3]...)
		}
	}
	return out
}

// source returns where the upright pixel (x, y) lies in the stored picture of
// w × h (TIFF 6.0, Orientation: which side row 0 and column 0 show).
func (o orientation) source(x, y, w, h int) (int, int) {
	switch o {
	case 2: // mirrored left to right
		return w - 1 - x, y
	case 3: // upside down
		return w - 1 - x, h - 1 - y
	case 4: // mirrored top to bottom
		return x, h - 1 - y
	case 5: // mirrored along the falling diagonal
		return y, x
	case 6: // to be turned clockwise
		return y, h - 1 - x
	case 7: // mirrored along the rising diagonal
		return w - 1 - y, h - 1 - x
	case 8: // to be turned counter-clockwise
		return w - 1 - y, x
	}
	return x, y
}
