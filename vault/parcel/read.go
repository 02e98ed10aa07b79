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
	// ErrSignature: the note is not signed by the key that it names.
	ErrSignature = errors.New("the parcel is not signed by the vault's key")
	// ErrAltered: a file differs from the signed index, or the index does not
	// list it.
	ErrAltered = errors.New("a file of the parcel differs from what the vault signed")
	// ErrTruncated: the parcel ends before its last file does.
	ErrTruncated = errors.New("the parcel is cut off: files that its index lists are missing")

	errNotParcel = errors.New("the file is not a Sourdine parcel")
)

// A Reader reads an outbound parcel from start to end, as a stream. An error
// other than io.EOF ends it: every later call returns that error.
type Reader struct {
	source   *source
	tar      *tar.Reader
	vaultKey string
	index    *Index
	logFiles int   // how many of them came by
	at       place // of the next sealed file
	err      error

	hash hash.Hash // of the current file, nil when there is none
	want string
}

// Open reads the signed note and the index. trust is asked whether the public
// key that the parcel names is the vault's; the signature is then verified
// under that key, and nothing is returned before both agreed.
func Open(r io.Reader, trust func(vaultKey string) error) (*Reader, error) {
	s := &source{r: r}
	p := &Reader{source: s, tar: tar.NewReader(s), at: firstPlace}
	signed, err := p.whole(noteName, maxNote)
	if errors.Is(err, ErrTruncated) || errors.Is(err, ErrAltered) {
		err = errNotParcel
	}
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
	if err := c.verify(signed); err != nil {
		return nil, err
	}
	raw, err := p.whole(indexName, maxIndex)
	if err == nil && digestOf(raw) != c.digest {
		err = ErrAltered
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", indexName, err)
	}
	p.vaultKey = c.vaultKey
	if p.index, err = parseIndex(raw); err != nil {
		return nil, err
	}
	return p, nil
}

// whole reads the next file of the tar, which must have the given name.
func (p *Reader) whole(name string, limit int64) ([]byte, error) {
	header, err := p.tar.Next()
	switch {
	case err != nil:
		return nil, p.source.because(err)
	case header.Name != name || !isPlain(header):
		return nil, ErrAltered
	case header.Size > limit:
		return nil, fmt.Errorf("the parcel's %s is larger than %d bytes", name, limit)
	}
	raw := make([]byte, header.Size)
	if _, err := io.ReadFull(p.tar, raw); err != nil {
		return nil, p.source.because(err)
	}
	return raw, nil
}

// maxPlainSize is the largest size that fits into a ustar header; a larger one
// stands in an extension header.
const maxPlainSize = 8<<30 - 1

// isPlain reports whether an entry is what [Write] writes, a regular file of
// POSIX ustar: no link, folder or sparse file, and of the extensions only the
// size of a very large file (FORMAT.md, section 1).
func isPlain(header *tar.Header) bool {
	if header.Typeflag != tar.TypeReg {
		return false
	}
	_, hasSize := header.PAXRecords["size"]
	return header.Format == tar.FormatUSTAR ||
		header.Format == tar.FormatPAX && len(header.PAXRecords) == 1 && hasSize && header.Size > maxPlainSize
}

// VaultKey is the public key whose signature was verified.
func (p *Reader) VaultKey() string { return p.vaultKey }

// Index is the signed index.
func (p *Reader) Index() Index { return *p.index }

// A File is what a parcel holds beside its note and index: first the files of
// the log, whose Name tells what they are ([CheckpointName] to [AppliedFolder]),
// then each submission's envelope and payloads. Those that a desk reads whole
// have sizes for that: all but leaves.jsonl, proofs.jsonl and what is sealed.
type File struct {
	Name       string
	Submission Submission // zero for a file of the log
	IsEnvelope bool
	Item       int // 0, the manifest, and up; meaningless for anything but a payload
	Size       int64
}

// IsLog reports whether the file is one of the log's.
func (f File) IsLog() bool { return f.Submission.ID == "" }

// Next moves to the next file, in the order of the index. What was not read of
// the file before is skipped, and not verified. It returns io.EOF after the
// last file, when nothing follows it, and [ErrTruncated] when the parcel ends
// before.
func (p *Reader) Next() (File, error) {
	if p.err != nil {
		return File{}, p.err
	}
	p.hash = nil
	header, err := p.tar.Next()
	f, sealed, more := p.expected()
	switch {
	case !more:
		return File{}, p.end(err)
	case err != nil:
		return File{}, p.fail(p.source.because(err))
	case header.Name != f.Name || !isPlain(header) || header.Size != sealed.Size:
		return File{}, p.fail(ErrAltered)
	}
	p.hash, p.want = sha256.New(), sealed.SHA256
	return f, nil
}

// expected is the file that must come next.
func (p *Reader) expected() (f File, sealed Sealed, more bool) {
	if p.logFiles < len(p.index.Files) {
		named := p.index.Files[p.logFiles]
		p.logFiles++
		return File{Name: named.Name, Size: named.Size}, Sealed{named.Size, named.SHA256}, true
	}
	if !p.index.has(p.at) {
		return File{}, Sealed{}, false
	}
	at := p.at
	p.at = p.index.after(at)
	sealed = p.index.sealed(at)
	return File{
		Name: p.index.name(at), Submission: p.index.Submissions[at.submission],
		IsEnvelope: at.item == envelopeItem, Item: max(at.item, 0), Size: sealed.Size,
	}, sealed, true
}

// end is what follows the last file: nothing. A file that the index does not
// list would be taken for the vault's by those who open the tar by hand.
func (p *Reader) end(err error) error {
	switch {
	case err == nil:
		return p.fail(ErrAltered)
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return p.fail(p.source.because(err))
}

// Read reads the current file. It ends with io.EOF only when the file's
// SHA-256 is the one in the signed index, else with [ErrAltered]; what was read
// before must not be used then.
func (p *Reader) Read(b []byte) (int, error) {
	switch {
	case p.err != nil:
		return 0, p.err
	case p.hash == nil:
		return 0, io.EOF
	}
	n, err := p.tar.Read(b)
	p.hash.Write(b[:n])
	switch {
	case errors.Is(err, io.EOF) && hex.EncodeToString(p.hash.Sum(nil)) != p.want:
		return n, p.fail(ErrAltered)
	case errors.Is(err, io.EOF):
		return n, io.EOF
	case err != nil:
		return n, p.fail(p.source.because(err))
	}
	return n, nil
}

// fail ends the Reader.
func (p *Reader) fail(err error) error {
	p.err = err
	return err
}
