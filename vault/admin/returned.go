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

// A returned is a return parcel, read to its end unless it was applied before.
type returned struct {
	before    *order.Applied // its receipt, when it was
	order     *order.Return
	raw       []byte // return.json
	deletions []order.Deletion
	proof     []byte // of them, for everybody
	replies   [][]byte
	envelopes [][]byte

	release func() // gives back what its files take of returnMemory
}

// returnMemory bounds what all return parcels together hold in memory at once, in
// bytes of their files: two of the largest. Small ones have some for themselves: they
// do not stand behind large ones that do not get on.
const (
	returnMemory      = 2 * order.MaxFiles
	smallReturn       = 1 << 20
	smallReturnMemory = 16 * smallReturn
)

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

// readReturn verifies a return parcel. Only a reviewer's next one makes it hold more
// than return.json and deletions.json in memory, and waits when others hold too much: a
// copy of an older one, which many may have, is answered before its files are read.
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
		if err := l.inTurn(&p); err != nil || p.before != nil {
			return p, by, err
		}
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

// inTurn refuses an order of another log, or out of sequence, or finds its receipt.
func (l *Local) inTurn(p *returned) error {
	if err := l.compareLogs(p.order); err != nil {
		return err
	}
	desk, _, err := l.vault.Desk(p.order.Reviewer)
	if err == nil {
		p.before, err = l.before(p.order, p.raw, desk)
	}
	return err
}

func (l *Local) readFiles(ctx context.Context, p *returned, r *parcel.ReturnReader) error {
	size := int64(len(p.raw) + len(p.proof))
	for _, reply := range p.order.Replies {
		size += reply.Size
	}
	for _, envelope := range p.order.Envelopes {
		size += envelope.Size
	}
	memory := l.returns
	if size <= smallReturn {
		memory = l.smallReturns
	}
	if err := memory.Acquire(ctx, size); err != nil {
		return err
	}
	p.release = func() { memory.Release(size) }
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
