package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"

	"sourdine/journalist-ui/casebook"
)

// Item opens item n, from 1, of a submission. It is decrypted in memory, as it
// is read. The reader ends with io.EOF only if size and SHA-256 are those of the
// manifest, else with an error, [ErrDiffers] among them; what was read before
// must not be used then. Of a doubtful submission the manifest may tell nothing;
// then io.EOF means that the item is as it was sealed. ctx bounds the reading.
func (d *Desk) Item(ctx context.Context, submission string, n int) (casebook.Item, io.ReadCloser, error) {
	item, err := d.findItem(ctx, submission, n)
	if err != nil {
		return item, nil, err
	}
	at, err := d.store().at(submission)
	if err != nil {
		return item, nil, err
	}
	envelope, err := at.envelope()
	if err != nil {
		return item, nil, missing(submission, n, err)
	}
	sealed, err := at.payload(n)
	if err != nil {
		return item, nil, missing(submission, n, err)
	}
	plain, err := d.key.Open(envelope, sealed)
	if err != nil {
		sealed.Close()
		return item, nil, fmt.Errorf("item %d of submission %s: %w", n, submission, err)
	}
	return item, &verified{
		plain: &cancellable{ctx, plain}, sealed: sealed, hash: sha256.New(), item: item,
		where: fmt.Sprintf("item %d of submission %s", n, submission),
	}, nil
}

func (d *Desk) findItem(ctx context.Context, submission string, n int) (casebook.Item, error) {
	s, err := d.book.Submission(ctx, submission)
	if errors.Is(err, casebook.ErrNotFound) {
		return casebook.Item{}, fmt.Errorf("submission %s: %w", submission, ErrNotFound)
	}
	if err != nil {
		return casebook.Item{}, err
	}
	i := slices.IndexFunc(s.Items, func(i casebook.Item) bool { return i.N == n })
	if i < 0 {
		return casebook.Item{}, fmt.Errorf("item %d of submission %s: %w", n, submission, ErrNotFound)
	}
	return s.Items[i], nil
}

func missing(submission string, n int, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the sealed file of item %d of submission %s: %w", n, submission, ErrNotFound)
	}
	return fmt.Errorf("failed to read submission %s: %w", submission, err)
}

// verified compares a plaintext with the manifest while it is read.
type verified struct {
	plain  io.Reader
	sealed *os.File
	hash   hash.Hash
	size   int64
	item   casebook.Item
	where  string
	err    error
}

func (v *verified) Read(b []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.plain.Read(b)
	v.hash.Write(b[:n])
	v.size += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		v.err = v.verdict()
	case err != nil:
		v.err = fmt.Errorf("%s: %w", v.where, err)
	}
	return n, v.err
}

func (v *verified) verdict() error {
	known := v.item.SHA256 != ""
	if known && (v.size != v.item.Size || hex.EncodeToString(v.hash.Sum(nil)) != v.item.SHA256) {
		return fmt.Errorf("%s: %w", v.where, ErrDiffers)
	}
	return io.EOF
}

func (v *verified) Close() error { return v.sealed.Close() }
