package parcel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"sort"
)

// blockBytes is how much of a [rowFile] is made at a time, and a row more.
const blockBytes = 64 << 10

// rows makes the rows from ≤ n < to of a file, the same each time. A row is the
// caller's until it asks for the next.
type rows func(from, to int64) iter.Seq2[[]byte, error]

// A rowFile is a file that is made row by row and never kept: the index, the
// log's leaves, the proofs. All rows are made once to know its size and digest,
// and those of a block again whenever it is read.
type rowFile struct {
	rows   rows
	blocks []block // then the file's end
	digest string
}

// A block begins at a row, and at an offset in bytes.
type block struct{ row, offset int64 }

func newRowFile(ctx context.Context, n int64, rows rows) (*rowFile, error) {
	f := &rowFile{rows: rows}
	h := sha256.New()
	var at, begin block
	for row, err := range rows(0, n) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if at.row == 0 || at.offset-begin.offset >= blockBytes {
			f.blocks, begin = append(f.blocks, at), at
		}
		h.Write(row)
		at.row, at.offset = at.row+1, at.offset+int64(len(row))
	}
	f.blocks = append(f.blocks, at)
	f.digest = hex.EncodeToString(h.Sum(nil))
	return f, nil
}

func (f *rowFile) sealed() Sealed {
	return Sealed{Size: f.blocks[len(f.blocks)-1].offset, SHA256: f.digest}
}

func (f *rowFile) open() (io.ReaderAt, error) { return &rowReader{file: f, current: -1}, nil }

// makeBlock appends the i-th block. Rows depend on what the log and the plan hold,
// and neither changes; the length is compared all the same.
func (f *rowFile) makeBlock(i int, data []byte) ([]byte, error) {
	from, to := f.blocks[i], f.blocks[i+1]
	for row, err := range f.rows(from.row, to.row) {
		if err != nil {
			return nil, err
		}
		data = append(data, row...)
	}
	if int64(len(data)) != to.offset-from.offset {
		return nil, fmt.Errorf("the vault's log: %w", ErrOutdated)
	}
	return data, nil
}

// A rowReader keeps one block.
type rowReader struct {
	file    *rowFile
	current int
	data    []byte
}

// ReadAt implements io.ReaderAt, for one goroutine.
func (r *rowReader) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) {
		if err := r.load(at + int64(n)); err != nil {
			return n, err
		}
		n += copy(b[n:], r.data[at+int64(n)-r.file.blocks[r.current].offset:])
	}
	return n, nil
}

// load makes the block that holds an offset.
func (r *rowReader) load(at int64) error {
	blocks := r.file.blocks
	last := len(blocks) - 1
	i := sort.Search(last, func(i int) bool { return blocks[i+1].offset > at })
	switch i {
	case last:
		return io.EOF
	case r.current:
		return nil
	}
	data, err := r.file.makeBlock(i, r.data[:0])
	r.current, r.data = i, data
	if err != nil {
		r.current = -1
	}
	return err
}
