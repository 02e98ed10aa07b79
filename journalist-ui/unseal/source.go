package unseal

import (
	"errors"
	"fmt"
	"io"
)

// A source stands between a stream of packets and go-crypto, which swallows the
// error when a packet ends before its length says (a cut at the right place then
// looks like a clean end). Packets that are whole are never read past their end;
// so once a source has seen an end or an error, it knows better.
type source struct {
	r   io.Reader
	err error // the first error that the consumer ran into
}

func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if n == len(p) {
		return n, nil // the consumer got all it asked for; what follows can wait
	}
	s.err = err
	return n, err
}

// cut says why a packet that just ended is not whole, or returns nil.
func (s *source) cut(where string) error {
	switch {
	case s.err == nil:
		return nil
	case errors.Is(s.err, io.EOF) || errors.Is(s.err, io.ErrUnexpectedEOF):
		return damaged(where)
	case errors.Is(s.err, ErrDamaged):
		return s.err
	}
	return fmt.Errorf("reading the %s: %w", where, s.err)
}

// ended returns nil when nothing follows.
func (s *source) ended(where string) error {
	if err := s.cut(where); err != nil {
		return err
	}
	var one [1]byte
	for {
		n, err := s.r.Read(one[:])
		switch {
		case n > 0:
			return damaged(where)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the %s: %w", where, err)
		}
	}
}
