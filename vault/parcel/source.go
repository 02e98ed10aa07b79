package parcel

import (
	"errors"
	"fmt"
	"io"
)

// A source remembers what the parcel's own medium said, so that a stick that
// cannot be read is told from a parcel that is cut off or damaged.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// because turns an error of the tar's reader into what the caller is told. A
// tar that breaks the format was not written by [Write]: its reader's own words
// are dropped, those of the medium are passed on.
func (s *source) because(err error) error {
	switch {
	case s.err != nil:
		return fmt.Errorf("failed to read the parcel: %w", s.err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	}
	return ErrAltered
}
