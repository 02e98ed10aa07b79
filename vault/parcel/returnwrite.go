package parcel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"sourdine/vault/order"
)

// WriteReturn writes a return parcel to w: s is what the reviewer signed (see
// [order.Return.Sign]), and open gives the content of each file of [ReturnFiles],
// in that order. When it returns an error, what was written is not a parcel. It
// holds no file in memory.
func WriteReturn(ctx context.Context, w io.Writer, s order.Signed, open func(ReturnFile) (io.Reader, error)) error {
	o, _, err := s.Open()
	if err != nil {
		return err
	}
	p := returnWriter{ctx: ctx, w: w}
	if err := p.signed(returnName, s.Return, s.ReturnSignature); err != nil {
		return err
	}
	if o.Deletions != "" {
		if err := p.signed(deletionsName, s.Deletions, s.DeletionsSignature); err != nil {
			return err
		}
	}
	for _, f := range ReturnFiles(o) {
		r, err := open(f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
		if err := p.put(f.Name(), f.sealed(), r); err != nil {
			return err
		}
	}
	return p.write(make([]byte, tarEnd))
}

func sealedBytes(b []byte) Sealed {
	sum := sha256.Sum256(b)
	return Sealed{Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}
}

type returnWriter struct {
	ctx context.Context
	w   io.Writer
}

func (p returnWriter) write(b []byte) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if _, err := p.w.Write(b); err != nil {
		return fmt.Errorf("failed to write return parcel: %w", err)
	}
	return nil
}

// signed writes a document and its signature.
func (p returnWriter) signed(name string, raw, signature []byte) error {
	if len(signature) == 0 || len(signature) > order.MaxSignature {
		return fmt.Errorf("the signature of a return parcel's %s is empty or too large", name)
	}
	if err := p.put(name, sealedBytes(raw), bytes.NewReader(raw)); err != nil {
		return err
	}
	return p.put(name+signatureSuffix, sealedBytes(signature), bytes.NewReader(signature))
}

// put writes a file, and refuses one that is not what the order says: the
// server would refuse the whole parcel for it.
func (p returnWriter) put(name string, said Sealed, r io.Reader) error {
	header, err := returnHeader(name, said.Size)
	if err != nil {
		return err
	}
	if err := p.write(header); err != nil {
		return err
	}
	h := sha256.New()
	n, err := p.copy(h, io.LimitReader(r, said.Size+1), said.Size)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if n != said.Size || hex.EncodeToString(h.Sum(nil)) != said.SHA256 {
		return fmt.Errorf("%s is not what return.json says of it", name)
	}
	return p.write(make([]byte, padded(n)-n))
}

// copy writes at most limit bytes and returns how many there were.
func (p returnWriter) copy(h io.Writer, r io.Reader, limit int64) (n int64, err error) {
	buffer := make([]byte, 32<<10)
	for {
		k, err := r.Read(buffer)
		if n += int64(k); n > limit {
			return n, nil
		}
		h.Write(buffer[:k])
		if err := p.write(buffer[:k]); err != nil {
			return n, err
		}
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, fmt.Errorf("failed to read a file for a return parcel: %w", err)
		}
	}
}
