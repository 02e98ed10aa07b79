// Package answer is what the preview's sandboxed worker says to its parent:
// one line that it is ready, and one answer, on a pipe.
//
// It promises the parent that whatever Read accepts keeps every limit below,
// holds text that visible.Is, and could have been written by Write byte for byte.
// The worker is taken to be the document's puppet; Read is the only code of
// the desk that meets what it says. It does not promise that the answer is true.
package answer

// Limits on what an answer may hold.
const (
	MaxText   = 1 << 20 // bytes of UTF-8
	MaxMedia  = 100     // bytes of a media type
	MaxPages  = 64
	MaxWidth  = 1600       // pixels of a page
	MaxHeight = 10_000     // pixels of a page: a long screenshot stays readable
	MaxPixels = 16_000_000 // of all pages together
)

// Kind says what an answer is.
type Kind byte

const (
	Text     Kind = 't'
	Image    Kind = 'i'
	Other    Kind = 'o' // recognised or not, but nothing we show
	TooLarge Kind = 'l' // refused before decoding
	Damaged  Kind = 'd' // the decoder gave up
)

// An Answer is laid out like this, numbers big-endian:
//
//	kind 1 | cut 1 | n 1 | media type n | body
//
//	body of a text        n 4 | UTF-8 n
//	        an image      pages 2 | page …
//	        a page        full width 4 | full height 4 | width 2 | height 2 | RGB 3·width·height
//	        too large     width 4 | height 4          (0, 0: the file itself is)
//	        other, damaged   nothing
//
// and then the pipe ends.
type Answer struct {
	Kind      Kind
	Cut       bool   // only the beginning, or the first of several pictures, is here
	MediaType string // "type/subtype", lower case, no parameters
	Text      string
	Pages     []Page

	// Of a picture that is TooLarge; 0 when its file is.
	Width, Height uint32
}

// A Page is plain opaque pixels, row by row, three bytes each.
type Page struct {
	FullWidth, FullHeight uint32 // before it was scaled down
	Width, Height         uint16
	RGB                   []byte
}
