package parcel

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"sourdine/vault"
)

// Write writes an outbound parcel with every committed submission of the vault
// to w, signed by the vault's secret key. It reads each payload twice, once for
// the index and once for the parcel, and holds none in memory.
func Write(ctx context.Context, w io.Writer, v *vault.Vault, secret string) (Index, error) {
	index, err := newIndex(ctx, v)
	if err != nil {
		return index, err
	}
	raw, err := json.Marshal(index)
	if err != nil {
		return index, fmt.Errorf("failed to encode the parcel's index: %w", err)
	}
	if len(raw) > maxIndex {
		return index, fmt.Errorf("the parcel's index would be larger than the %d bytes that a desk reads", maxIndex)
	}
	signed, err := sign(raw, secret)
	if err != nil {
		return index, err
	}
	t := tar.NewWriter(w)
	if err := putFile(t, noteName, int64(len(signed)), bytes.NewReader(signed)); err != nil {
		return index, err
	}
	if err := putFile(t, indexName, int64(len(raw)), bytes.NewReader(raw)); err != nil {
		return index, err
	}
	for at := firstPlace; index.has(at); at = index.after(at) {
		r, err := contents(v, &index, at)
		if err != nil {
			return index, err
		}
		if err := putFile(t, index.name(at), index.sealed(at).Size, untilDone{ctx, r}); err != nil {
			return index, err
		}
	}
	if err := t.Close(); err != nil {
		return index, fmt.Errorf("failed to write parcel: %w", err)
	}
	return index, nil
}

func newIndex(ctx context.Context, v *vault.Vault) (Index, error) {
	index := Index{Version: Version, Submissions: []Submission{}}
	for e, err := range v.Entries() {
		if err != nil {
			return index, err
		}
		s, err := indexSubmission(ctx, v, e)
		if err != nil {
			return index, fmt.Errorf("submission %s: %w", e.ID, err)
		}
		index.Submissions = append(index.Submissions, s)
	}
	return index, nil
}

func indexSubmission(ctx context.Context, v *vault.Vault, e vault.Entry) (Submission, error) {
	s := Submission{ID: e.ID.String(), Channel: e.Channel, Day: e.Day, Epoch: e.Epoch}
	envelope, err := v.Envelope(e.ID)
	if err != nil {
		return s, err
	}
	if s.Envelope, err = digest(ctx, bytes.NewReader(envelope)); err != nil {
		return s, err
	}
	for n := range e.Payloads {
		r, err := v.Payload(e, n)
		if err != nil {
			return s, err
		}
		sealed, err := digest(ctx, r)
		if err != nil {
			return s, err
		}
		s.Payloads = append(s.Payloads, sealed)
	}
	return s, nil
}

func digest(ctx context.Context, r io.Reader) (Sealed, error) {
	h := sha256.New()
	n, err := io.Copy(h, untilDone{ctx, r})
	if err != nil {
		return Sealed{}, fmt.Errorf("failed to read a payload: %w", err)
	}
	return Sealed{Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

func contents(v *vault.Vault, x *Index, at place) (io.Reader, error) {
	id, err := vault.ParseID(x.Submissions[at.submission].ID)
	if err != nil {
		return nil, err
	}
	if at.item == envelopeItem {
		envelope, err := v.Envelope(id)
		return bytes.NewReader(envelope), err
	}
	e, err := v.Entry(id)
	if err != nil {
		return nil, err
	}
	return v.Payload(e, at.item)
}

// untilDone ends with its context, in the middle of a large payload too.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}

// putFile adds a file without time or owner: a parcel tells when it was packed
// to nobody.
func putFile(t *tar.Writer, name string, size int64, r io.Reader) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600}
	if err := t.WriteHeader(header); err != nil {
		return fmt.Errorf("failed to write parcel: %w", err)
	}
	if _, err := io.CopyN(t, r, size); err != nil {
		return fmt.Errorf("failed to write parcel: %w", err)
	}
	return nil
}
