package parcel

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"testing"
	"testing/iotest"
)

// virtualOf makes a virtual tar of files with the given sizes, and the same with
// archive/tar.
func virtualOf(t *testing.T, sizes ...int) (*virtualTar, []byte) {
	t.Helper()
	var want bytes.Buffer
	w := tar.NewWriter(&want)
	contents := make([][]byte, len(sizes))
	for i, size := range sizes {
		contents[i] = make([]byte, size)
		rand.Read(contents[i])
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprint("file-", i), Size: int64(size), Mode: 0o600})
		if err == nil {
			_, err = w.Write(contents[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	v, err := newVirtualTar(len(sizes), func(i int) tarFile {
		return tarFile{name: fmt.Sprint("file-", i), size: int64(sizes[i]), open: func() (io.ReaderAt, error) { return bytes.NewReader(contents[i]), nil }}
	})
	if err != nil {
		t.Fatal(err)
	}
	return v, want.Bytes()
}

func TestVirtualTarIsTheTar(t *testing.T) {
	for _, sizes := range [][]int{{}, {0}, {0, 0, 1}, {511, 512, 513, 1024}, {70000, 0, 3, 100}} {
		v, want := virtualOf(t, sizes...)
		if v.size() != int64(len(want)) {
			t.Errorf("%v: size %d, want %d", sizes, v.size(), len(want))
		}
		if err := iotest.TestReader(v.reader(context.Background()), want); err != nil {
			t.Errorf("%v: %v", sizes, err)
		}
		for range 200 { // a download that goes on anywhere
			from := mathrand.Int64N(v.size() + 1)
			r := v.reader(context.Background())
			if _, err := r.Seek(from, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(io.LimitReader(r, 1+mathrand.Int64N(3000)))
			if err != nil || !bytes.Equal(got, want[from:from+int64(len(got))]) {
				t.Fatalf("%v: from %d: %d bytes differ, %v", sizes, from, len(got), err)
			}
		}
	}
}

// A file of more than 8 GiB has an extension header, and nothing is read to
// know where the next one stands.
func TestVirtualTarOfHugeFiles(t *testing.T) {
	const huge = 9 << 30
	v, err := newVirtualTar(2, func(i int) tarFile {
		return tarFile{name: fmt.Sprint("file-", i), size: huge, open: func() (io.ReaderAt, error) { return zeroes{}, nil }}
	})
	if err != nil {
		t.Fatal(err)
	}
	r := v.reader(context.Background())
	if _, err := r.Seek(v.offsets[1], io.SeekStart); err != nil {
		t.Fatal(err)
	}
	header, err := tar.NewReader(r).Next()
	if err != nil || header.Name != "file-1" || header.Size != huge {
		t.Errorf("%+v, %v", header, err)
	}
}

type zeroes struct{}

func (zeroes) ReadAt(b []byte, _ int64) (int, error) { clear(b); return len(b), nil }

func TestVirtualTarTellsErrors(t *testing.T) {
	gone := errors.New("gone")
	for name, open := range map[string]func() (io.ReaderAt, error){
		"not opened": func() (io.ReaderAt, error) { return nil, gone },
		"shorter":    func() (io.ReaderAt, error) { return bytes.NewReader([]byte("short")), nil },
	} {
		v, err := newVirtualTar(1, func(int) tarFile { return tarFile{name: "f", size: 1000, open: open} })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(v.reader(context.Background())); !errors.Is(err, gone) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
	v, _ := virtualOf(t, 10)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := io.ReadAll(v.reader(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
	if _, err := v.reader(context.Background()).Seek(-1, io.SeekStart); err == nil {
		t.Error("a place before the start was accepted")
	}
	if _, err := v.reader(context.Background()).Seek(1, 9); err == nil {
		t.Error("a place that is counted from nowhere was accepted")
	}
}

// After a file that cannot be opened the one before is still what it was.
func TestVirtualTarGoesBack(t *testing.T) {
	gone := errors.New("gone")
	v, err := newVirtualTar(2, func(i int) tarFile {
		return tarFile{name: fmt.Sprint("file-", i), size: 3, open: func() (io.ReaderAt, error) {
			if i == 1 {
				return nil, gone
			}
			return bytes.NewReader([]byte("one")), nil
		}}
	})
	if err != nil {
		t.Fatal(err)
	}
	r := v.reader(context.Background())
	first := make([]byte, v.offsets[1])
	if _, err := io.ReadFull(r, first); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := r.Read(make([]byte, 9)); n != 0 || !errors.Is(err, gone) {
			t.Errorf("a file that is gone: %d, %v", n, err)
		}
	}
	again := make([]byte, len(first))
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, again); err != nil || !bytes.Equal(again, first) {
		t.Errorf("the file before it reads differently: %v", err)
	}
}
