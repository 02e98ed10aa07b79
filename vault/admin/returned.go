package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"sourdine/vault"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
)

// A returned is a return parcel, read to its end.
type returned struct {
	order     *order.Return
	raw       []byte // return.json
	deletions []order.Deletion
	proof     []byte // of them, for everybody
	replies   [][]byte
	envelopes [][]byte

	release func() // gives back what its files take of returnMemory
}

// returnMemory bounds what all return parcels together hold in memory at once, in
// bytes of their files: two of the largest.
const returnMemory = 2 * order.MaxFiles

// A medium remembers what reading failed with, to tell a stick that cannot be
// read from a parcel that is not acceptable.
type medium struct {
	r   io.Reader
	err error
}

func (m *medium) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		m.err = err
	}
	return n, err
}

// readReturn verifies a return parcel. Only a reviewer of this server makes it
// hold more than return.json and deletions.json in memory, and waits when others hold too much.
func (l *Local) readReturn(ctx context.Context, r io.Reader) (p returned, by vault.Member, err error) {
	source := &medium{r: r}
	var failed error // of the vault
	lookup := func(fingerprint string) (certificate []byte, err error) {
		by, err = l.signer(fingerprint)
		if !errors.Is(err, ErrStranger) {
			failed = err
		}
		return by.Certificate, err
	}
	reader, err := parcel.ReadReturn(source, l.publicKey, lookup, l.now())
	if err == nil {
		p.order = reader.Order()
		signed := reader.Signed()
		p.raw, p.deletions, p.proof = signed.Return, reader.Deletions(), signed.Proof()
		err = l.readFiles(ctx, &p, reader)
	}
	switch {
	case err == nil:
		return p, by, nil
	case ctx.Err() != nil:
		return p, by, ctx.Err()
	case source.err != nil:
		return p, by, fmt.Errorf("failed to read the return parcel: %w", source.err)
	case failed != nil:
		return p, by, failed
	case errors.Is(err, ErrRefused):
		return p, by, err
	}
	return p, by, fmt.Errorf("%w: %w", ErrRefused, err)
}

func (l *Local) readFiles(ctx context.Context, p *returned, r *parcel.ReturnReader) error {
	var size int64
	for _, reply := range p.order.Replies {
		size += reply.Size
	}
	for _, envelope := range p.order.Envelopes {
		size += envelope.Size
	}
	if err := l.returns.Acquire(ctx, size); err != nil {
		return err
	}
	p.release = func() { l.returns.Release(size) }
	err := p.readFiles(r)
	if err != nil {
		p.release()
	}
	return err
}

func (p *returned) readFiles(r *parcel.ReturnReader) error {
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if f.Reply != nil {
			p.replies = append(p.replies, content)
		} else {
			p.envelopes = append(p.envelopes, content)
		}
	}
}

// signer finds a reviewer on the current rosters. A certificate that was renewed
// may stand in one channel and its older copy in another: one that is valid is
// taken first.
func (l *Local) signer(fingerprint string) (found vault.Member, err error) {
	rosters, err := l.vault.Channels()
	if err != nil {
		return found, err
	}
	for _, roster := range rosters {
		for _, m := range roster.Members {
			if m.Fingerprint != fingerprint {
				continue
			}
			if _, err := seal.ParseCertificate(m.Certificate, l.now()); err == nil {
				return m, nil
			}
			found = m
		}
	}
	if found.Fingerprint == "" {
		return found, ErrStranger
	}
	return found, nil
}

func digestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
