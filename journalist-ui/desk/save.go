package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A Saved says what was written.
type Saved struct {
	Size   int64  // bytes
	SHA256 string // lower-case hexadecimal

	// Described: a manifest said that it would be so. Else the manifest is
	// damaged, and the document is what the server sealed under that number.
	Described bool
}

// Save writes item n of a submission, in the clear, to a new file at path, for
// its owner only. It never writes over a file: the error then wraps
// fs.ErrExist. After any error no file remains that was not there before.
//
// The file has no name until it is whole, so that even a kill or a power cut
// leaves none. Where a file system cannot do that (FAT, on most sticks), it is
// called path with .partial behind it until then, where whoever was interrupted
// sees it.
func (d *Desk) Save(ctx context.Context, submission string, n int, path string) (Saved, error) {
	if _, err := os.Lstat(path); err == nil {
		return Saved{}, fmt.Errorf("failed to save: %w", &fs.PathError{Op: "open", Path: path, Err: syscall.EEXIST})
	}
	saved, err := d.saveWith(ctx, submission, n, path, writeUnnamed)
	if errors.Is(err, errNeedsName) {
		saved, err = d.saveWith(ctx, submission, n, path, writeBeside)
	}
	if err != nil {
		return Saved{}, err
	}
	return saved, syncFolder(filepath.Dir(path))
}

// errNeedsName: this file system has no files without a name.
var errNeedsName = errors.New("a file here needs a name from the start")

// saveWith opens the item and has write put it at path.
func (d *Desk) saveWith(ctx context.Context, submission string, n int, path string, write func(string, io.Reader) error) (Saved, error) {
	item, plain, err := d.Item(ctx, submission, n)
	if err != nil {
		return Saved{}, err
	}
	defer plain.Close()
	digest, count := sha256.New(), counter(0)
	if err := write(path, io.TeeReader(plain, io.MultiWriter(digest, &count))); err != nil {
		return Saved{}, err
	}
	return Saved{Size: int64(count), SHA256: hex.EncodeToString(digest.Sum(nil)), Described: item.SHA256 != ""}, nil
}

// saveNew writes what produce writes to a new file at path, as [Desk.Save] does.
func saveNew(path string, produce func(io.Writer) error) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("failed to save: %w", &fs.PathError{Op: "open", Path: path, Err: syscall.EEXIST})
	}
	err := pipe(path, produce, writeUnnamed)
	if errors.Is(err, errNeedsName) {
		err = pipe(path, produce, writeBeside)
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// pipe gives what produce writes to write, and waits for both.
func pipe(path string, produce func(io.Writer) error, write func(string, io.Reader) error) error {
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(produce(w))
	}()
	err := write(path, r)
	r.Close()
	<-done
	return err
}

type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// writeBeside writes under a name that tells what it is, and renames at the end.
func writeBeside(path string, r io.Reader) error {
	name := path + partialSuffix
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("failed to create the output file: %w", err)
	}
	if err = errors.Join(fill(f, r), f.Close()); err == nil {
		err = renameNew(name, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// renameNew renames to a name that is free. The empty file keeps it for that
// instant: rename(2) would replace what somebody else put there.
func renameNew(from, to string) error {
	taken, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("failed to save: %w", err)
	}
	if err := errors.Join(taken.Close(), os.Rename(from, to)); err != nil {
		return errors.Join(fmt.Errorf("failed to save: %w", err), os.Remove(to))
	}
	return nil
}

// fill writes all of r, durably.
func fill(f *os.File, r io.Reader) error {
	if _, err := io.CopyBuffer(onlyWriter{f}, r, make([]byte, copyBuffer)); err != nil {
		return err
	}
	return f.Sync()
}
