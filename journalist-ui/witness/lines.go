package witness

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

const lineBuffer = 1 << 20 // bytes

// errLine is returned for a line that is too long, or ends without its break.
var errLine = errors.New("a line is too long or torn")

// A lineReader reads lines of a bounded length, without their breaks.
type lineReader struct {
	r   *bufio.Reader
	max int
}

func newLineReader(r io.Reader, max int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, lineBuffer), max: max}
}

// next returns a line that is valid until the next call; io.EOF after the last
// one, errLine, or the reader's own error.
func (l *lineReader) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if err == nil && len(line)-1 <= l.max {
		return line[:len(line)-1], nil
	}
	if err == nil || (errors.Is(err, io.EOF) && len(line) > 0) {
		return nil, errLine
	}
	if !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	return l.long(bytes.Clone(line))
}

// long goes on with a line that is longer than the buffer.
func (l *lineReader) long(start []byte) ([]byte, error) {
	for {
		more, err := l.r.ReadSlice('\n')
		start = append(start, more...)
		switch {
		case len(start)-1 > l.max, errors.Is(err, io.EOF):
			return nil, errLine
		case err == nil:
			return start[:len(start)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
