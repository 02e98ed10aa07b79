package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"sourdine/journalist-ui/casebook"
)

// Save writes item n of a submission, in the clear, to a new file at path, for
// its owner only. It never writes over a file: the error then wraps
// fs.ErrExist. After any error no file remains at path that was not there
// before; a crash may leave an empty one, and a file ending in .partial beside it.
func (d *Desk) Save(ctx context.Context, submission string, n int, path string) (item casebook.Item, err error) {
	item, plain, err := d.Item(ctx, submission, n)
	if err != nil {
		return item, err
	}
	defer plain.Close()
	// The empty file keeps the name; what is whole replaces it in one step.
	taken, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if errors.Is(err, fs.ErrExist) {
		return item, fmt.Errorf("failed to save: %w", err)
	}
	if err != nil {
		return item, fmt.Errorf("failed to create the output file: %w", err)
	}
	err = errors.Join(taken.Close(), replace(path, plain))
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return item, errors.Join(err, os.Remove(path))
	}
	return item, nil
}

// replace puts what r holds in the place of the file at path.
func replace(path string, r io.Reader) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".sourdine-*"+partialSuffix) // mode 0600
	if err != nil {
		return fmt.Errorf("failed to create the output file: %w", err)
	}
	_, err = io.CopyBuffer(onlyWriter{temp}, r, make([]byte, copyBuffer))
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
