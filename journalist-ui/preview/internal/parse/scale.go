package parse

import (
	"image"
	"image/draw"

	"sourdine/journalist-ui/preview/internal/answer"
)

// page makes upright opaque pixels of an image, scaled down to fit the
// answer's limits.
func page(img image.Image, turned orientation) answer.Page {
	b := img.Bounds()
	across := turned >= 5 // width and height change places
	fullW, fullH := b.Dx(), b.Dy()
	if across {
		fullW, fullH = fullH, fullW
	}
	w, h := fit(fullW, fullH)
	sw, sh := w, h
	if across {
		sw, sh = h, w
	}
	return answer.Page{
		FullWidth: uint32(fullW), FullHeight: uint32(fullH),
		Width: uint16(w), Height: uint16(h),
		RGB: turn(shrink(img, sw, sh), sw, sh, turned),
	}
}

// fit returns the largest size with about the proportions of w × h that is
// within the limits and not larger than w × h.
func fit(w, h int) (int, int) {
	fw, fh := w, h
	if fw > answer.MaxWidth {
		fw, fh = answer.MaxWidth, h*answer.MaxWidth/w
	}
	if fh > answer.MaxHeight {
		fw, fh = w*answer.MaxHeight/h, answer.MaxHeight
	}
	return max(fw, 1), max(fh, 1)
}

// A shrinker scales down by averaging: every source pixel counts by the area
// that it covers of a target pixel. Sums are exact: at most 255 · 40 million.
// (Ready-made scalers either skip pixels, which makes scanned text unreadable,
// or need 32 bytes per source row and target column.)
type shrinker struct {
	w, h, sw, sh int
	columns      []share
	sum          []uint64 // of the target row being filled, 4 per pixel
	out          []byte
}

// share says which target pixel a source pixel falls into, and how much of it
// into that one and into the next.
type share struct {
	at         int
	here, next uint64
}

// shareOf cuts a line of n source pixels into m ≤ n target pixels, both of them seen
// as n·m units long.
func shareOf(i, n, m int) share {
	start, end := i*m, (i+1)*m
	at := start / n
	edge := min((at+1)*n, end)
	return share{at, uint64(edge - start), uint64(end - edge)}
}

// shrink returns w × h opaque pixels, three bytes each.
func shrink(img image.Image, w, h int) []byte {
	b := img.Bounds()
	s := &shrinker{w: w, h: h, sw: b.Dx(), sh: b.Dy(), sum: make([]uint64, 4*w), out: make([]byte, 0, 3*w*h)}
	s.columns = make([]share, s.sw)
	for x := range s.columns {
		s.columns[x] = shareOf(x, s.sw, w)
	}
	row := image.NewRGBA(image.Rect(0, 0, s.sw, 1)) // one row at a time, in one format
	line := make([]uint64, 4*w)
	for y := range s.sh {
		draw.Draw(row, row.Rect, img, image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
		s.across(row.Pix, line)
		down := shareOf(y, s.sh, h)
		s.add(line, down.here)
		if down.next > 0 || (y+1)*h%s.sh == 0 {
			s.flush(down.at)
			s.add(line, down.next)
		}
	}
	return s.out
}

// across sums one source row up into the target's columns.
func (s *shrinker) across(pix []byte, line []uint64) {
	clear(line)
	for x, c := range s.columns {
		p := pix[4*x : 4*x+4 : 4*x+4]
		to := line[4*c.at:]
		for i, v := range p {
			to[i] += c.here * uint64(v)
		}
		if c.next > 0 {
			for i, v := range p {
				to[4+i] += c.next * uint64(v)
			}
		}
	}
}

func (s *shrinker) add(line []uint64, weight uint64) {
	for i, v := range line {
		s.sum[i] += weight * v
	}
}

// flush writes one target row and begins the next. Transparent parts show a
// checkerboard: on a plain ground, writing in the ground's colour would be hidden.
func (s *shrinker) flush(y int) {
	area := uint64(s.sw) * uint64(s.sh)
	for x := range s.w {
		p := s.sum[4*x : 4*x+4]
		ground := uint64(255)
		if (x/8+y/8)%2 == 1 {
			ground = 204
		}
		bare := ground * (255*area - p[3]) / 255
		for _, v := range p[:3] {
			s.out = append(s.out, byte(min((v+bare+area/2)/area, 255)))
		}
	}
	clear(s.sum)
}
