package form

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

const (
	// MaxHeader bounds the header of one part, in bytes.
	MaxHeader = 64 << 10

	// maxBoundary is the longest boundary (RFC 2046, section 5.1.1).
	maxBoundary = 70

	// maxTrailer is how much white space may follow the closing boundary.
	maxTrailer = 16

	// firstFill is how much is asked of the body when no large buffer of the
	// caller's is at hand. It grows up to MaxHeader.
	firstFill = 4 << 10
)

// ErrMalformed is returned for a body that is not a form.
var ErrMalformed = errors.New("the body is not a well-formed form")

// A Reader reads one form. After an error it returns the same error again.
type Reader struct {
	body io.Reader
	// delimiter is what ends a part's content: CRLF, "--" and the boundary. Two
	// more bytes tell whether another part follows (CRLF) or none ("--").
	delimiter []byte
	pending   []byte // read from the body and not given to anybody yet
	buffer    []byte // where pending lies
	part      *Part
	begun     bool
	closed    bool // the closing boundary was seen
	err       error
}

// NewReader returns a reader of the form in body whose parts are divided by
// boundary, of 1 to 70 bytes.
func NewReader(body io.Reader, boundary string) (*Reader, error) {
	if boundary == "" || len(boundary) > maxBoundary || strings.ContainsAny(boundary, "\r\n") {
		return nil, ErrMalformed
	}
	return &Reader{body: body, delimiter: []byte("\r\n--" + boundary)}, nil
}

// Next skips what is left of the current part and returns the next one, or
// io.EOF when the body ended properly after the last. A body that was cut off
// gives io.ErrUnexpectedEOF, one that is no form [ErrMalformed]; what reading
// the body itself returns is passed on.
func (r *Reader) Next() (*Part, error) {
	if r.err != nil {
		return nil, r.err
	}
	p, err := r.next()
	if err != nil {
		p = nil
	}
	r.part, r.err = p, err
	return p, err
}

func (r *Reader) next() (*Part, error) {
	if err := r.toDelimiter(); err != nil {
		return nil, err
	}
	if r.closed {
		return nil, r.end()
	}
	header, err := r.header()
	if err != nil {
		return nil, err
	}
	p, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	p.reader = r
	return p, p.begin()
}

// toDelimiter goes behind the next delimiter. The one before the first part
// opens the body, without the CRLF that divides the others from their content.
func (r *Reader) toDelimiter() error {
	if !r.begun {
		r.begun = true
		return r.open()
	}
	_, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{r.part}, make([]byte, firstFill))
	return err
}

func (r *Reader) open() error {
	first := r.delimiter[len("\r\n"):]
	if err := r.need(len("\r\n")); err != nil {
		return err
	}
	// Go's writer opens a form without parts so, and RFC 2046 allows it.
	r.pending = bytes.TrimPrefix(r.pending, []byte("\r\n"))
	if err := r.need(len(first) + len("\r\n")); err != nil {
		return err
	}
	if !bytes.HasPrefix(r.pending, first) {
		return ErrMalformed
	}
	return r.behind(r.pending[len(first):])
}

// behind looks at the two bytes after a delimiter, and takes what follows them
// as pending.
func (r *Reader) behind(rest []byte) error {
	switch string(rest[:2]) {
	case "\r\n":
	case "--":
		r.closed = true
	default:
		return ErrMalformed
	}
	r.pending = rest[2:]
	return nil
}

// need reads until n bytes are pending.
func (r *Reader) need(n int) error {
	for len(r.pending) < n {
		if err := r.fill(); err != nil {
			return err
		}
	}
	return nil
}

// Forget overwrites what the reader holds of the body, and ends it.
func (r *Reader) Forget() {
	clear(r.buffer[:cap(r.buffer)])
	r.pending, r.part, r.err = nil, nil, ErrMalformed
}

// fill reads once from the body into pending.
func (r *Reader) fill() error {
	if len(r.pending) == cap(r.pending) {
		r.makeRoom()
	}
	n, err := r.body.Read(r.pending[len(r.pending):cap(r.pending)])
	r.pending = r.pending[:len(r.pending)+n]
	if n > 0 {
		return nil // an error comes again at the next call
	}
	return cut(err)
}

func (r *Reader) makeRoom() {
	if 2*len(r.pending) > len(r.buffer) || len(r.buffer) == 0 {
		larger := make([]byte, max(firstFill, min(2*len(r.pending), MaxHeader+firstFill)))
		r.pending = append(larger[:0], r.pending...)
		clear(r.buffer)
		r.buffer = larger
		return
	}
	r.pending = append(r.buffer[:0], r.pending...)
}

// hold makes data what is pending.
func (r *Reader) hold(data []byte) {
	if len(data) > len(r.buffer) {
		clear(r.buffer)
		r.buffer = make([]byte, max(firstFill, len(data)))
	}
	r.pending = append(r.buffer[:0], data...)
}

// cut says that a body ended before its closing boundary.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

var headerEnd = []byte("\r\n\r\n")

// header reads a part's header and returns its lines. The CRLF of the empty
// line after them stays pending.
func (r *Reader) header() ([]byte, error) {
	for seen := 0; ; {
		if i := bytes.Index(r.pending[seen:], headerEnd); i >= 0 {
			header := r.pending[:seen+i]
			r.pending = r.pending[seen+i+len("\r\n"):]
			return header, nil
		}
		if len(r.pending) > MaxHeader {
			return nil, ErrMalformed
		}
		seen = max(0, len(r.pending)-len(headerEnd)+1)
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// end reads what follows the closing boundary: nothing but white space.
func (r *Reader) end() error {
	for {
		if len(r.pending) > maxTrailer || len(bytes.TrimRight(r.pending, " \t\r\n")) > 0 {
			return ErrMalformed
		}
		if err := r.fill(); errors.Is(err, io.ErrUnexpectedEOF) {
			return io.EOF
		} else if err != nil {
			return err
		}
	}
}
