package parcel

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"sourdine/vault/order"
)

// A ReturnReader reads a return parcel from start to end, as a stream. An error
// other than io.EOF ends it: every later call returns that error. Nothing of an
// order may be applied before Next returned io.EOF: a file may still be missing.
type ReturnReader struct {
	r         io.Reader
	signed    order.Signed
	order     *order.Return
	deletions []order.Deletion
	files     []ReturnFile // that are still to come
	err       error

	left int64     // of the current file
	pad  int64     // after it
	hash hash.Hash // of it, nil when there is none
	want string
}

// ReadReturn reads an order and its signature. lookup gives the certificate of a
// reviewer of this server by its fingerprint; what it refuses is passed on.
// Nothing is given out before these agreed: the order is for the server whose
// public key is vaultKey (else [order.ErrOtherVault]), [order.Verify], and
// [order.Return.VerifyDeletions] when it names any.
func ReadReturn(r io.Reader, vaultKey string, lookup func(fingerprint string) ([]byte, error), now time.Time) (*ReturnReader, error) {
	p := &ReturnReader{r: r}
	s := &p.signed
	var err error
	if s.Return, err = p.whole(returnName, order.MaxReturn); err != nil {
		return nil, err
	}
	key, reviewer, err := order.Names(s.Return)
	switch {
	case err != nil:
		return nil, err
	case key != vaultKey:
		return nil, order.ErrOtherVault
	}
	if s.ReturnSignature, err = p.whole(returnName+signatureSuffix, order.MaxSignature); err != nil {
		return nil, err
	}
	certificate, err := lookup(reviewer)
	if err != nil {
		return nil, err
	}
	if p.order, err = order.Verify(s.Return, s.ReturnSignature, certificate, now); err != nil {
		return nil, err
	}
	p.files = ReturnFiles(p.order)
	if err := p.readDeletions(certificate, now); err != nil {
		return nil, err
	}
	return p, nil
}

// readDeletions reads the files that stand there when the order names them.
func (p *ReturnReader) readDeletions(certificate []byte, now time.Time) (err error) {
	s := &p.signed
	if p.order.Deletions == "" {
		return nil
	}
	if s.Deletions, err = p.whole(deletionsName, order.MaxDeletions); err != nil {
		return err
	}
	if digestOf(s.Deletions) != p.order.Deletions {
		return ErrReturnAltered
	}
	if s.DeletionsSignature, err = p.whole(deletionsName+signatureSuffix, order.MaxSignature); err != nil {
		return err
	}
	p.deletions, err = p.order.VerifyDeletions(s.Deletions, s.DeletionsSignature, certificate, now)
	return err
}

// Order is what the reviewer signed.
func (p *ReturnReader) Order() *order.Return { return p.order }

// Deletions are what the reviewer signed to delete.
func (p *ReturnReader) Deletions() []order.Deletion { return p.deletions }

// Signed returns what the reviewer signed, as it was read: a server proves
// deletions with a part of it ([order.Signed.Proof]).
func (p *ReturnReader) Signed() order.Signed { return p.signed }

// whole reads the next file of the tar, whose size only its header says.
func (p *ReturnReader) whole(name string, limit int64) ([]byte, error) {
	const sizeAt, sizeEnd = 124, 135 // 11 octal digits (POSIX ustar)
	var block [tarBlock]byte
	if err := p.fill(block[:]); err != nil {
		if name == returnName && errors.Is(err, ErrReturnTruncated) {
			err = errNotReturn
		}
		return nil, err
	}
	size, err := strconv.ParseUint(string(block[sizeAt:sizeEnd]), 8, 63)
	if err != nil || !p.isHeader(block[:], name, int64(size)) {
		return nil, otherThan(name, block[:])
	}
	if int64(size) > limit {
		return nil, fmt.Errorf("the return parcel's %s is larger than %d bytes", name, limit)
	}
	raw := make([]byte, size)
	if err := p.fill(raw); err != nil {
		return nil, err
	}
	return raw, p.zeros(padded(int64(size)) - int64(size))
}

func otherThan(name string, block []byte) error {
	switch {
	case name != returnName:
		return ErrReturnAltered
	case bytes.HasPrefix(block, []byte(noteName+"\x00")):
		return errOutbound
	}
	return errNotReturn
}

func (p *ReturnReader) isHeader(block []byte, name string, size int64) bool {
	header, err := returnHeader(name, size)
	return err == nil && bytes.Equal(header, block)
}

// fill reads exactly len(b) bytes.
func (p *ReturnReader) fill(b []byte) error {
	_, err := io.ReadFull(p.r, b)
	return because(err)
}

// because tells a stick that cannot be read from a parcel that is cut off.
func because(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrReturnTruncated
	}
	return fmt.Errorf("failed to read the return parcel: %w", err)
}

// zeros reads n bytes of padding, which must carry nothing. n is below 2 KiB.
func (p *ReturnReader) zeros(n int64) error {
	b := make([]byte, n)
	if err := p.fill(b); err != nil {
		return err
	}
	if !isZero(b) {
		return ErrReturnAltered
	}
	return nil
}

// Next moves to the next file. What was not read of the file before is read, and
// verified, first. It returns io.EOF after the last file, when the parcel ends
// there too.
func (p *ReturnReader) Next() (ReturnFile, error) {
	if p.err == nil && p.hash != nil {
		_, p.err = io.Copy(io.Discard, p)
		p.hash = nil
	}
	switch {
	case p.err != nil:
		return ReturnFile{}, p.err
	case len(p.files) == 0:
		p.err = p.end()
		return ReturnFile{}, p.err
	}
	f := p.files[0]
	p.files = p.files[1:]
	if p.err = p.begin(f); p.err != nil {
		return ReturnFile{}, p.err
	}
	return f, nil
}

func (p *ReturnReader) begin(f ReturnFile) error {
	var block [tarBlock]byte
	if err := p.fill(block[:]); err != nil {
		return err
	}
	said := f.sealed()
	if !p.isHeader(block[:], f.Name(), said.Size) {
		return ErrReturnAltered
	}
	p.left, p.pad = said.Size, padded(said.Size)-said.Size
	p.hash, p.want = sha256.New(), said.SHA256
	return nil
}

// end returns io.EOF when the end mark is there and nothing behind it.
func (p *ReturnReader) end() error {
	if err := p.zeros(tarEnd); err != nil {
		return err
	}
	switch err := p.fill(make([]byte, 1)); {
	case err == nil:
		return ErrReturnAltered
	case errors.Is(err, ErrReturnTruncated):
		return io.EOF
	default:
		return err
	}
}

// Read reads the current file. It ends with io.EOF only when the file is what
// the order says; what was read before another error must not be used.
func (p *ReturnReader) Read(b []byte) (int, error) {
	switch {
	case p.err != nil:
		return 0, p.err
	case p.hash == nil:
		return 0, io.EOF
	case len(b) == 0:
		return 0, nil
	case p.left == 0:
		return 0, p.finish()
	}
	n, err := p.r.Read(b[:min(int64(len(b)), p.left)])
	p.hash.Write(b[:n])
	p.left -= int64(n)
	if err != nil && p.left > 0 {
		p.err = because(err)
		return n, p.err
	}
	return n, nil // an error of the medium comes again with the padding
}

// finish compares the digest, and reads what fills the last block, once.
func (p *ReturnReader) finish() error {
	if hex.EncodeToString(p.hash.Sum(nil)) != p.want {
		p.err = ErrReturnAltered
		return p.err
	}
	if err := p.zeros(p.pad); err != nil {
		p.err = err
		return err
	}
	p.hash = nil
	return io.EOF
}
