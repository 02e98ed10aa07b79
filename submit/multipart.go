package submit

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"sourdine/vault/manifest"
)

const (
	maxFiles = manifest.MaxItems
	// maxParts bounds the fields of a form beside its files: ours has three.
	maxParts = 16
	// maxField is the longest field except the message, in bytes.
	maxField = 1 << 10

	// maxPartHeader bounds a part's header, in bytes: the longest name and a
	// margin.
	maxPartHeader = 64 << 10

	// maxPadding is how much white space may follow the closing boundary.
	maxPadding = 16

	// bodyBuffer feeds the multipart reader, which by itself asks the
	// connection for 4 KiB at a time.
	bodyBuffer = 64 << 10

	// silence is how long a connection may send nothing. A slow one is fine:
	// 5 kB/s for a day.
	silence = 5 * time.Minute
)

// parts reads the body of a form part by part and never more than it is asked
// for (promise 1).
type parts struct {
	body    io.Reader // for draining
	limited *limitedBody
	headers *headerMeter
	multi   *multipart.Reader
	end     string // the closing boundary
	count   int
	most    int
}

func newParts(w http.ResponseWriter, r *http.Request, limits Limits) (*parts, error) {
	body := &patientBody{body: r.Body, control: http.NewResponseController(w)}
	p := &parts{body: body, most: limits.Files + maxParts}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return p, errMalformed
	}
	p.end = "--" + params["boundary"] + "--"
	p.limited = &limitedBody{body: body, left: limits.Total, limit: limits.Total, keep: len(p.end) + maxPadding}
	p.headers = &headerMeter{r: bufio.NewReaderSize(p.limited, bodyBuffer)}
	p.multi = multipart.NewReader(p.headers, params["boundary"])
	return p, nil
}

// next returns the next part, io.EOF after the last one's closing boundary, or
// the problem to tell.
func (p *parts) next() (*part, error) {
	if p.count++; p.count > p.most {
		return nil, errMalformed
	}
	p.headers.start()
	raw, err := p.multi.NextRawPart()
	p.headers.stop()
	if err == io.EOF {
		return nil, p.closed()
	}
	if err != nil {
		return nil, bodyError(err)
	}
	field, name, isFile, ok := parseDisposition(raw.Header.Get("Content-Disposition"))
	if !ok {
		return nil, errMalformed
	}
	return &part{
		Reader: raw, field: field, isFile: isFile, fileName: name,
		kind: strings.ToValidUTF8(raw.Header.Get("Content-Type"), ""),
	}, nil
}

// closed returns io.EOF when the body ends in its closing boundary. The
// multipart reader takes some cut bodies for whole ones; a file that was
// announced in them would be lost silently.
func (p *parts) closed() error {
	if _, err := io.Copy(io.Discard, p.headers); err != nil {
		return bodyError(err)
	}
	if !strings.HasSuffix(strings.TrimRight(string(p.limited.tail), " \t\r\n"), p.end) {
		return errCut
	}
	return io.EOF
}

// drain reads and forgets the rest, so that the browser, which reads our
// answer only after it has sent everything, gets the page and not a reset
// connection.
func (p *parts) drain(limit int64) {
	_, _ = io.CopyN(io.Discard, p.body, limit)
}

type part struct {
	io.Reader
	field    string
	isFile   bool
	fileName string
	kind     string
}

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

// limitedBody ends a body over the limit with the problem that says so, and
// keeps its last bytes.
type limitedBody struct {
	body  io.Reader
	left  int64
	limit int64
	keep  int
	tail  []byte
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, tooLarge("problem_total", b.limit)
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.tail = append(b.tail, p[max(0, n-b.keep):n]...)
	b.tail = append(b.tail[:0], b.tail[max(0, len(b.tail)-b.keep):]...)
	return n, err
}

// headerMeter bounds what a part's header may take: the multipart reader would
// hold 10 MiB of it.
type headerMeter struct {
	r      io.Reader
	on     bool
	budget int
}

func (m *headerMeter) start() { m.on, m.budget = true, maxPartHeader }
func (m *headerMeter) stop()  { m.on = false }

func (m *headerMeter) Read(p []byte) (int, error) {
	if m.on && m.budget <= 0 {
		return 0, errMalformed
	}
	n, err := m.r.Read(p)
	if m.on {
		m.budget -= n
	}
	return n, err
}

func tooLarge(id string, limit int64) problem {
	return problem{http.StatusRequestEntityTooLarge, id, map[string]any{"Limit": byteCount(limit)}}
}

// byteCount marks a number of bytes that the page writes in its language.
type byteCount int64
