package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"sourdine/vault/parcel"
)

// A standing is how what is stored of a submission compares with what the signed
// index of a parcel says of it.
type standing int

const (
	absent      standing = iota // nothing is stored under its id
	whole                       // the same is stored, and every file is as it was sealed
	broken                      // the same is stored, with files missing or damaged
	reenveloped                 // the same is stored under another envelope
	renewed                     // the same is stored, whole, under an envelope for an earlier roster
	different                   // its header or a payload is another
)

// compare reads all files of the submission. An error is that of ctx only: a
// file that cannot be read is one that the parcel should replace.
func (s store) compare(ctx context.Context, listed parcel.Submission) (standing, error) {
	old, err := s.entry(listed.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return absent, nil
	case err != nil:
		return broken, nil
	}
	listed.Leaf = old.Leaf // where it stands in the log is for the log to say
	if reflect.DeepEqual(old, listed) {
		return s.inspect(ctx, listed)
	}
	was := old
	old.Envelope, old.Epoch = listed.Envelope, max(old.Epoch, listed.Epoch)
	switch {
	case !reflect.DeepEqual(old, listed):
		return different, nil
	case listed.Epoch == was.Epoch:
		return reenveloped, nil
	}
	if now, err := s.inspect(ctx, was); now == broken || err != nil {
		return broken, err
	}
	return renewed, nil
}

// inspect finds out whether the files of a submission are as listed.
func (s store) inspect(ctx context.Context, listed parcel.Submission) (standing, error) {
	at, err := s.at(listed.ID)
	if err != nil {
		return absent, nil
	}
	sound := isFile(ctx, filepath.Join(string(at), envelopeName), listed.Envelope)
	for n, p := range listed.Payloads {
		sound = sound && isFile(ctx, filepath.Join(string(at), payloadName(n)), p)
	}
	if sound {
		return whole, ctx.Err()
	}
	return broken, ctx.Err()
}

// isFile reports whether the file at path has the size and SHA-256 given.
func isFile(ctx context.Context, path string, want parcel.Sealed) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != want.Size {
		return false
	}
	digest := sha256.New()
	_, err = io.CopyBuffer(onlyWriter{digest}, &cancellable{ctx, f}, make([]byte, copyBuffer))
	return err == nil && hex.EncodeToString(digest.Sum(nil)) == want.SHA256
}
