package parcel

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Errors that callers branch on.
var (
	// ErrSignature: the note is not signed by the trusted vault key.
	ErrSignature = errors.New("the parcel is not signed by the vault's key")
	// ErrAltered: a file's bytes differ from the signed index.
	ErrAltered = errors.New("a file of the parcel differs from what the vault signed")
	// ErrTruncated: the parcel ends before its last file.
	ErrTruncated = errors.New("the parcel is cut off: files that its index lists are missing")

	errNotParcel = errors.New("the file is not a Sourdine parcel")
)

// A Reader reads an outbound parcel from start to end, as a stream.
type Reader struct {
	tar      *tar.Reader
	vaultKey string
	index    *Index
	files    []file
	next     int

	hash hash.Hash
	left int64
	want string
}

// Open reads the signed note and the index. trust is asked whether the public
// key that the parcel names is the vault's; the signature is then verified
// under that key, and nothing is returned before both agreed.
func Open(r io.Reader, trust func(vaultKey string) error) (*Reader, error) {
	p := &Reader{tar: tar.NewReader(r)}
	signed, err := p.whole(noteName, maxNote)
	if err != nil {
		return nil, err
	}
	c, err := parseClaim(signed)
	if err != nil {
		return nil, err
	}
	if err := trust(c.vaultKey); err != nil {
		return nil, err
	}
	if err := verifyNote(signed, c.vaultKey); err != nil {
		return nil, err
	}
	raw, err := p.whole(indexName, maxIndex)
	if err != nil {
		return nil, err
	}
	if got := sha256.Sum256(raw); hex.EncodeToString(got[:]) != c.digest {
		return nil, fmt.Errorf("index: %w", ErrAltered)
	}
	p.vaultKey = c.vaultKey
	if p.index, err = parseIndex(raw); err != nil {
		return nil, err
	}
	p.files = p.index.files()
	return p, nil
}

// whole reads the next file of the tar, which must have the given name.
func (p *Reader) whole(name string, limit int64) ([]byte, error) {
	header, err := p.tar.Next()
	switch {
	case err != nil:
		return nil, errNotParcel
	case header.Name != name || header.Typeflag != tar.TypeReg:
		return nil, errNotParcel
	case header.Size > limit:
		return nil, fmt.Errorf("the parcel's %s is larger than %d bytes", name, limit)
	}
	raw, err := io.ReadAll(io.LimitReader(p.tar, limit))
	if err != nil {
		return nil, ErrTruncated
	}
	return raw, nil
}

// VaultKey is the public key whose signature was verified.
func (p *Reader) VaultKey() string { return p.vaultKey }

// Index is the signed index.
func (p *Reader) Index() Index { return *p.index }

// A File is the envelope of a submission, or the payload of one of its items.
type File struct {
	Submission Submission
	IsEnvelope bool
	Item       int // 0, the manifest, and up; meaningless for an envelope
}

// Next moves to the next file, in the order of the index: each submission's
// envelope, then its payloads. It returns io.EOF after the last one, and
// [ErrTruncated] when the parcel ends before.
func (p *Reader) Next() (File, error) {
	if p.next == len(p.files) {
		return File{}, io.EOF
	}
	f := p.files[p.next]
	header, err := p.tar.Next()
	if err != nil {
		return File{}, ErrTruncated
	}
	if header.Name != f.name() || header.Typeflag != tar.TypeReg || header.Size != f.sealed.Size {
		return File{}, fmt.Errorf("submission %s: %w", f.submission.ID, ErrAltered)
	}
	p.next++
	p.hash, p.left, p.want = sha256.New(), f.sealed.Size, f.sealed.SHA256
	return File{Submission: *f.submission, IsEnvelope: f.item == envelopeItem, Item: max(f.item, 0)}, nil
}

// Read reads the current file. It ends with io.EOF only when the file's
// SHA-256 is the one in the signed index, else with [ErrAltered]; what was read
// before must not be used then.
func (p *Reader) Read(b []byte) (int, error) {
	if p.hash == nil {
		return 0, io.EOF
	}
	n, err := p.tar.Read(b)
	p.hash.Write(b[:n])
	p.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF) && p.left == 0:
		if hex.EncodeToString(p.hash.Sum(nil)) != p.want {
			return n, ErrAltered
		}
		return n, io.EOF
	case err != nil:
		return n, ErrTruncated
	}
	return n, nil
}
