package preview

import "errors"

// Kind says what can be shown of a document.
type Kind string

const (
	KindText  Kind = "text"
	KindImage Kind = "image"
	KindOther Kind = "other" // nothing is shown: offer saving, with a warning
)

// A Result is what can be shown of a document.
type Result struct {
	Kind Kind

	// MediaType is what the document looks like, "type/subtype" in lower case. It
	// is for people to read: the document itself decides what stands here.
	MediaType string

	// Text of KindText: UTF-8, line feeds, nothing hidden, at most 1 MiB.
	Text string

	// Pages of KindImage: one for a picture. (PDF will have more.)
	Pages []Page

	// Truncated says that there is more than is shown: a longer text, further
	// frames of an animation, further pages of a scan.
	Truncated bool
}

// A Page is one picture for the browser.
type Page struct {
	PNG           []byte
	Width, Height int // of the PNG, at most 1,600 × 10,000 pixels

	// FullWidth and FullHeight are the picture's own size. Where they are larger
	// than the PNG, details were lost on the way.
	FullWidth, FullHeight int
}

// Reasons why nothing can be shown; saving can be offered for all of them.
var (
	// ErrTooLarge: the file or its picture is beyond what is decoded at all.
	ErrTooLarge = errors.New("too large to show")

	// ErrDamaged: the decoder gave up, died, or spoke nonsense.
	ErrDamaged = errors.New("damaged, or of a variant that cannot be shown")

	// ErrTimedOut: the decoder was killed because it took too long.
	ErrTimedOut = errors.New("it takes too long to show")

	// ErrNoSandbox: this machine cannot shut a worker in, so none was given the document.
	ErrNoSandbox = errors.New("no document is opened here, because it could not be shut in")
)
