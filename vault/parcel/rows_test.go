package parcel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"
	"testing/iotest"
)

// rowsOf are n rows of the given length, each of its own letters.
func rowsOf(length int) rows {
	return func(from, to int64) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			for i := from; i < to; i++ {
				if !yield(bytes.Repeat([]byte(fmt.Sprintf("%08d", i)), length)[:length], nil) {
					return
				}
			}
		}
	}
}

// However long the rows are, and wherever it is read, a file of rows is its rows.
func TestRowFileIsItsRows(t *testing.T) {
	for _, c := range []struct{ n, length int }{{0, 1}, {1, 0}, {5, 0}, {1, 1}, {7, 3}, {3, blockBytes - 1}, {3, blockBytes}, {3, blockBytes + 1}, {2000, 99}} {
		f, err := newRowFile(context.Background(), int64(c.n), rowsOf(c.length))
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for row := range rowsOf(c.length)(0, int64(c.n)) {
			want = append(want, row...)
		}
		r, err := f.open()
		if err != nil || f.sealed() != sealedOf(want) {
			t.Fatalf("%+v: %v, %+v", c, err, f.sealed())
		}
		if err := iotest.TestReader(io.NewSectionReader(r, 0, f.sealed().Size), want); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
		for i := range len(f.blocks) - 1 {
			if size := f.blocks[i+1].offset - f.blocks[i].offset; size >= int64(blockBytes+max(c.length, 1)) {
				t.Errorf("%+v: a block of %d bytes", c, size)
			}
		}
		if n, err := r.ReadAt(make([]byte, 1), int64(len(want))); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%+v: %d bytes after the end, %v", c, n, err)
		}
	}
}

// Rows that cannot be made are an error each time, and not the end of it; rows
// that became others are one too.
func TestRowFileTellsErrors(t *testing.T) {
	gone, good := errors.New("gone"), rowsOf(100)
	f, err := newRowFile(context.Background(), 2000, good)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, f.sealed().Size)
	r, _ := f.open()
	if _, err := r.ReadAt(want, 0); err != nil {
		t.Fatal(err)
	}
	failing := func(from, to int64) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			for row := range good(from, from+3) {
				if !yield(row, nil) {
					return
				}
			}
			yield(nil, gone)
		}
	}
	got := make([]byte, len(want))
	for name, c := range map[string]struct {
		rows rows
		want error
	}{"cannot be made": {failing, gone}, "shorter": {rowsOf(99), ErrOutdated}, "fewer": {func(from, to int64) iter.Seq2[[]byte, error] { return good(from, to-1) }, ErrOutdated}} {
		f.rows = c.rows
		for range 2 {
			if n, err := r.ReadAt(got[:9], 0); n != 0 || !errors.Is(err, c.want) {
				t.Errorf("%s: %d bytes, %v", name, n, err)
			}
		}
		if _, err := newRowFile(context.Background(), 2000, failing); !errors.Is(err, gone) {
			t.Errorf("planned with rows that cannot be made: %v", err)
		}
		f.rows = good
		if n, err := r.ReadAt(got, 0); n != len(want) || err != nil || !bytes.Equal(got, want) {
			t.Errorf("after rows %s: %d bytes, %v", name, n, err)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := newRowFile(ended, 5, good); !errors.Is(err, context.Canceled) {
		t.Errorf("planned after the end of its context: %v", err)
	}
}
