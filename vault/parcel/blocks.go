package parcel

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sort"
)

// A blockFile is a file that is made block by block, each time the same, so that
// it need not be kept: the log's leaves, and proofs. Its blocks are made once to
// know its size and digest, and again for every reading.
type blockFile struct {
	offsets []int64 // of each block, then the file's size
	digest  string
	block   func(i int) ([]byte, error)
}

func newBlockFile(n int, block func(i int) ([]byte, error)) (*blockFile, error) {
	f := &blockFile{offsets: make([]int64, n+1), block: block}
	h := sha256.New()
	for i := range n {
		b, err := block(i)
		if err != nil {
			return nil, err
		}
		h.Write(b)
		f.offsets[i+1] = f.offsets[i] + int64(len(b))
	}
	f.digest = hex.EncodeToString(h.Sum(nil))
	return f, nil
}

func (f *blockFile) sealed() Sealed {
	return Sealed{Size: f.offsets[len(f.offsets)-1], SHA256: f.digest}
}

func (f *blockFile) open() (io.ReaderAt, error) { return &blockReader{file: f, current: -1}, nil }

// A blockReader keeps one block.
type blockReader struct {
	file    *blockFile
	current int
	data    []byte
}

// ReadAt reads from one block, or to its end: callers ask again for the rest.
func (r *blockReader) ReadAt(b []byte, at int64) (int, error) {
	offsets := r.file.offsets
	i := sort.Search(len(offsets)-1, func(i int) bool { return offsets[i+1] > at })
	if i == len(offsets)-1 {
		return 0, io.EOF
	}
	if i != r.current {
		data, err := r.file.block(i)
		if err != nil {
			return 0, err
		}
		if int64(len(data)) != offsets[i+1]-offsets[i] {
			return 0, fmt.Errorf("the vault's log changed: %w", io.ErrUnexpectedEOF)
		}
		r.current, r.data = i, data
	}
	return copy(b, r.data[at-offsets[i]:]), nil
}
