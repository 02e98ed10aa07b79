// Package parse turns bytes from a source into text and pixels.
//
// It is the part of the preview that a hostile document can hope to take
// over: decoders. It must run only inside the sandbox (promise 8), which is why
// nothing outside the preview can import it. What it promises is about honest
// documents: the text is complete up to the limit and says when it is not; a
// picture stands upright; nothing of the document but pixels and text comes out, no
// metadata, no markup that is obeyed.
package parse

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"sourdine/journalist-ui/preview/internal/answer"
)

// Limits on what is read and decoded.
const (
	// MaxFile is how large a picture's file may be, in bytes. It is held in memory
	// beside its pixels.
	MaxFile = 128 << 20

	// MaxDecoded is how many pixels a picture may have: a sheet of A3 at 400 dpi is 31 million, and 40
	// million take up to 20 bytes each in the worst decoder (progressive CMYK JPEG).
	MaxDecoded = 40_000_000
)

// Document reads as much of a document as is needed and says what it is.
// An error is one of reading r; a document that is no good is an answer.
func Document(r io.Reader) (answer.Answer, error) {
	head, err := io.ReadAll(io.LimitReader(r, answer.MaxText+1))
	if err != nil {
		return answer.Answer{}, fmt.Errorf("reading the document: %w", err)
	}
	detected := mimetype.Detect(head)
	media := mediaType(detected)
	if c, ok := findCodec(detected); ok {
		file, err := io.ReadAll(io.LimitReader(io.MultiReader(bytes.NewReader(head), r), MaxFile+1))
		if err != nil {
			return answer.Answer{}, fmt.Errorf("reading the document: %w", err)
		}
		return c.picture(file, media), nil
	}
	if isText(detected) {
		return plainText(head, media), nil
	}
	return answer.Answer{Kind: answer.Other, MediaType: media}, nil
}

// mediaType drops the parameters, which repeat guesses about the charset.
func mediaType(m *mimetype.MIME) string {
	name, _, _ := strings.Cut(m.String(), ";")
	return strings.ToLower(name)
}

// isText reports whether the detected type is a kind of plain text: HTML, SVG
// and scripts are, and are shown as their source.
func isText(m *mimetype.MIME) bool {
	for ; m != nil; m = m.Parent() {
		if m.Is("text/plain") {
			return true
		}
	}
	return false
}
