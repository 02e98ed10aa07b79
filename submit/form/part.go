package form

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// maxHeaderLines bounds the lines of a part's header. Browsers send two.
const maxHeaderLines = 8

// nameLetters are those of the names of header lines, as far as forms have them.
const nameLetters = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// A Part is one field of a form. Its content is read from it until io.EOF, and
// is gone with the next call of [Reader.Next].
type Part struct {
	Field    string
	IsFile   bool   // it has a file name, if only an empty one
	FileName string // as the source named it: never a path
	Type     string // the media type it claims, or ""

	reader *Reader
	ended  bool
}

// parseHeader reads the lines of a part's header.
func parseHeader(header []byte) (*Part, error) {
	p := &Part{}
	lines := strings.Split(string(header), "\r\n")
	if len(lines) > maxHeaderLines {
		return nil, ErrMalformed
	}
	found := false
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.Trim(name, nameLetters) != "" || strings.ContainsAny(line, "\r\n") {
			return nil, ErrMalformed
		}
		value = strings.Trim(value, " \t")
		switch {
		case strings.EqualFold(name, "Content-Disposition"):
			if found {
				return nil, ErrMalformed
			}
			p.Field, p.FileName, p.IsFile, found = parseDisposition(value)
		case strings.EqualFold(name, "Content-Type"):
			p.Type = strings.ToValidUTF8(value, string(utf8.RuneError))
		}
	}
	if !found {
		return nil, ErrMalformed
	}
	return p, nil
}

// begin goes behind the empty line after the header. A part without content may
// lack that line: then its CRLF is the delimiter's (RFC 2046, section 5.1.1).
func (p *Part) begin() error {
	r := p.reader
	// There is no form in which less would follow.
	if err := r.need(len(r.delimiter) + len("\r\n")); err != nil {
		return err
	}
	if n, at := r.content(r.pending[:len(r.delimiter)+len("\r\n")]); n == 0 && at {
		p.ended = true
		return r.behind(r.pending[len(r.delimiter):])
	}
	r.pending = r.pending[len("\r\n"):]
	return nil
}

// Read implements io.Reader. Into a large buffer it reads from the body
// without another copy.
func (p *Part) Read(b []byte) (int, error) {
	r := p.reader
	for len(b) > 0 {
		switch {
		case p.ended:
			return 0, io.EOF
		case r.part != p:
			return 0, ErrMalformed
		case r.err != nil:
			return 0, r.err
		}
		n, err := p.read(b)
		if err != nil {
			r.err = err
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}

// read takes one step: it may return nothing, without an error, when it came
// upon the delimiter or needs more to tell whether it did.
func (p *Part) read(b []byte) (int, error) {
	r := p.reader
	// Looking further than what b takes and a delimiter would look at the same
	// bytes again and again.
	window := r.pending[:min(len(r.pending), len(b)+len(r.delimiter)+2)]
	n, at := r.content(window)
	switch {
	case n > 0:
		n = copy(b, r.pending[:n])
		r.pending = r.pending[n:]
		return n, nil
	case at:
		p.ended = true
		return 0, r.behind(r.pending[len(r.delimiter):])
	case len(b) < firstFill:
		return 0, r.fill()
	}
	return p.direct(b)
}

// direct reads from the body into b, behind the few pending bytes that may
// begin a delimiter, and takes back what is not content.
func (p *Part) direct(b []byte) (int, error) {
	r := p.reader
	held := copy(b, r.pending)
	n, err := r.body.Read(b[held:])
	if n == 0 {
		return 0, cut(err)
	}
	content, _ := r.content(b[:held+n])
	r.hold(b[content : held+n])
	return content, nil
}

// content returns how many of the first bytes of data are content for sure, and
// whether a delimiter follows them at once. What looks like the delimiter but
// is not followed by CRLF or "--" is content.
func (r *Reader) content(data []byte) (n int, delimiter bool) {
	for {
		i := bytes.Index(data[n:], r.delimiter)
		if i < 0 {
			return len(data) - r.held(data[n:]), false
		}
		n += i
		rest := data[n+len(r.delimiter):]
		switch {
		case bytes.HasPrefix(rest, []byte("\r\n")), bytes.HasPrefix(rest, []byte("--")):
			return n, true
		case len(rest) < 2:
			return n, false
		}
		n++
	}
}

// held returns how many of the last bytes of data may begin a delimiter.
func (r *Reader) held(data []byte) int {
	tail := data[max(0, len(data)-len(r.delimiter)):]
	for len(tail) > 0 {
		i := bytes.IndexByte(tail, '\r')
		if i < 0 {
			return 0
		}
		tail = tail[i:]
		if bytes.HasPrefix(r.delimiter, tail) {
			return len(tail)
		}
		tail = tail[1:]
	}
	return 0
}
