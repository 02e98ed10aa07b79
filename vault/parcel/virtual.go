package parcel

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
)

const (
	tarBlock = 512 // bytes
	// tarEnd is the end mark: two blocks of zeros.
	tarEnd = 2 * tarBlock
)

// A tarFile is a file of a tar that is not written yet. open is called when its
// content is read.
type tarFile struct {
	name string
	size int64
	open func() (io.ReaderAt, error)
}

// A virtualTar is a tar that lies nowhere: where each file would stand is known,
// and any stretch of it can be read, so that a download over Tor goes on where
// it broke off. file returns the i-th of n files, the same each time.
type virtualTar struct {
	file    func(i int) tarFile
	offsets []int64 // of each file's header, then of the end mark
}

func newVirtualTar(n int, file func(i int) tarFile) (*virtualTar, error) {
	v := &virtualTar{file: file, offsets: make([]int64, n+1)}
	for i := range n {
		f := file(i)
		header, err := tarHeader(f)
		if err != nil {
			return nil, err
		}
		v.offsets[i+1] = v.offsets[i] + int64(len(header)) + padded(f.size)
	}
	return v, nil
}

func (v *virtualTar) size() int64 { return v.offsets[len(v.offsets)-1] + tarEnd }

func padded(n int64) int64 { return (n + tarBlock - 1) / tarBlock * tarBlock }

// tarHeader is a file's header, without time or owner: a parcel tells when it
// was packed to nobody.
func tarHeader(f tarFile) ([]byte, error) {
	var b bytes.Buffer
	header := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: f.size, Mode: 0o600}
	if err := tar.NewWriter(&b).WriteHeader(header); err != nil {
		return nil, fmt.Errorf("failed to write parcel: %w", err)
	}
	return b.Bytes(), nil
}

// A tarReader reads a virtual tar. It implements io.ReadSeeker, as
// [net/http.ServeContent] wants it, and keeps one file open at a time.
type tarReader struct {
	ctx     context.Context
	tar     *virtualTar
	at      int64
	current int // the open file
	header  []byte
	content io.ReaderAt
	length  int64 // of the content
}

func (v *virtualTar) reader(ctx context.Context) *tarReader {
	return &tarReader{ctx: ctx, tar: v, current: -1}
}

// Seek implements io.Seeker.
func (r *tarReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.tar.size()
	default:
		return 0, errors.New("failed to read parcel: no such place to seek from")
	}
	if offset < 0 {
		return 0, errors.New("failed to read parcel: before its start")
	}
	r.at = offset
	return offset, nil
}

// Read implements io.Reader.
func (r *tarReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	last := len(r.tar.offsets) - 1
	switch end := r.tar.size(); {
	case len(b) == 0:
		return 0, nil
	case r.at >= end:
		return 0, io.EOF
	case r.at >= r.tar.offsets[last]:
		return r.zeros(b, end), nil
	}
	i := sort.Search(last, func(i int) bool { return r.tar.offsets[i+1] > r.at })
	if err := r.open(i); err != nil {
		return 0, err
	}
	return r.readFile(b, i)
}

// open makes i the current file, or changes nothing.
func (r *tarReader) open(i int) error {
	if i == r.current {
		return nil
	}
	f := r.tar.file(i)
	header, err := tarHeader(f)
	if err != nil {
		return err
	}
	content, err := f.open()
	if err != nil {
		return fmt.Errorf("failed to read %s: %w", f.name, err)
	}
	r.current, r.header, r.content, r.length = i, header, content, f.size
	return nil
}

// readFile reads from the current file's header, content or padding.
func (r *tarReader) readFile(b []byte, i int) (int, error) {
	within := r.at - r.tar.offsets[i]
	if within < int64(len(r.header)) {
		n := copy(b, r.header[within:])
		r.at += int64(n)
		return n, nil
	}
	within -= int64(len(r.header))
	if within >= r.length {
		return r.zeros(b, r.tar.offsets[i+1]), nil
	}
	n, err := r.content.ReadAt(b[:min(int64(len(b)), r.length-within)], within)
	r.at += int64(n)
	if n > 0 {
		return n, nil // an error comes again at the next call
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // a file shorter than it was said to be
	}
	return 0, fmt.Errorf("failed to read %s: %w", r.tar.file(i).name, err)
}

// zeros fills b up to the offset end.
func (r *tarReader) zeros(b []byte, end int64) int {
	n := int(min(int64(len(b)), end-r.at))
	clear(b[:n])
	r.at += int64(n)
	return n
}
