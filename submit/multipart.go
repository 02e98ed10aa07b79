package submit

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"sourdine/submit/form"
	"sourdine/vault/manifest"
)

const (
	maxFiles = manifest.MaxItems
	// maxParts bounds the fields of a form beside its files: ours has three.
	maxParts = 16
	// maxField is the longest field except the message, in bytes.
	maxField = 1 << 10

	// silence is how long a connection may send nothing. A slow one is fine:
	// 5 kB/s for a day.
	silence = 5 * time.Minute
)

// parts reads the body of a form part by part and never more than it is asked
// for (promise 1).
type parts struct {
	body  io.Reader // for draining
	form  *form.Reader
	count int
	most  int
}

func newParts(w http.ResponseWriter, r *http.Request, limits Limits) (*parts, error) {
	body := &patientBody{body: r.Body, control: http.NewResponseController(w)}
	p := &parts{body: body, most: limits.Files + maxParts}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return p, errMalformed
	}
	p.form, err = form.NewReader(&limitedBody{body: body, left: limits.Total, limit: limits.Total}, params["boundary"])
	if err != nil {
		return p, errMalformed
	}
	return p, nil
}

// next returns the next part, io.EOF after the last one's closing boundary, or
// the problem to tell.
func (p *parts) next() (*part, error) {
	if p.count++; p.count > p.most {
		return nil, errMalformed
	}
	next, err := p.form.Next()
	if err != nil {
		return nil, bodyError(err)
	}
	return &part{next}, nil
}

// forget overwrites what is still held of the body.
func (p *parts) forget() {
	if p.form != nil {
		p.form.Forget()
	}
}

// drain reads and forgets the rest, so that the browser, which reads our
// answer only after it has sent everything, gets the page and not a reset
// connection.
func (p *parts) drain(limit int64) {
	_, _ = io.CopyN(io.Discard, p.body, limit)
}

type part struct{ *form.Part }

// text reads a field of at most limit bytes, or returns tooLong.
func (p *part) text(limit int, tooLong error) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(p, int64(limit)+1))
	switch {
	case err != nil:
		return "", bodyError(err)
	case len(raw) > limit:
		return "", tooLong
	}
	text := strings.ToValidUTF8(string(raw), string(utf8.RuneError))
	if len(text) > limit { // what stands for a wrong byte takes three
		return "", tooLong
	}
	return text, nil
}

// bodyError tells a body that ended early from one that is not a form.
func bodyError(err error) error {
	var p problem
	switch {
	case err == io.EOF, errors.As(err, &p):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, os.ErrDeadlineExceeded):
		return errCut
	}
	return errMalformed
}

// patientBody drops a connection that says nothing for too long, however long
// the whole takes.
type patientBody struct {
	body    io.Reader
	control *http.ResponseController
}

func (b *patientBody) Read(p []byte) (int, error) {
	// A connection that knows no deadlines (in a test) is not an error.
	_ = b.control.SetReadDeadline(time.Now().Add(silence))
	return b.body.Read(p)
}

// limitedBody ends a body over the limit with the problem that says so.
type limitedBody struct {
	body  io.Reader
	left  int64
	limit int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, tooLarge("problem_total", b.limit)
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func tooLarge(id string, limit int64) problem {
	return problem{http.StatusRequestEntityTooLarge, id, map[string]any{"Limit": byteCount(limit)}}
}

// byteCount marks a number of bytes that the page writes in its language.
type byteCount int64
