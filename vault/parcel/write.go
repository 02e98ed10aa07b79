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

// A Part is what one parcel took of a vault.
type Part struct {
	Index Index
	Last  vault.ID // the last submission in it; the zero ID when it holds none
	Left  int      // submissions after Last, for the parcels after this one
}

// Write writes a parcel that begins with the vault's first submission; see
// [WriteAfter].
func Write(ctx context.Context, w io.Writer, v *vault.Vault, secret string) (Part, error) {
	return WriteAfter(ctx, w, v, secret, vault.ID{})
}

// WriteAfter writes an outbound parcel to w, signed by the vault's secret key:
// the committed submissions whose ids follow after (all for the zero ID, which
// no submission has), as many as fit into one index. It reads each payload
// twice, once for the index and once for the parcel, and holds none in memory.
// Nothing is written before the whole index is made.
func WriteAfter(ctx context.Context, w io.Writer, v *vault.Vault, secret string, after vault.ID) (Part, error) {
	return writeLimited(ctx, w, v, secret, after, fullIndex)
}

func writeLimited(ctx context.Context, w io.Writer, v *vault.Vault, secret string, after vault.ID, limit int) (Part, error) {
	part, size, err := newPart(ctx, v, after, limit)
	if err != nil {
		return part, err
	}
	raw, err := encodeIndex(&part.Index, size)
	if err != nil {
		return part, err
	}
	signed, err := sign(raw, secret)
	if err != nil {
		return part, err
	}
	return part, putAll(ctx, tar.NewWriter(w), v, &part.Index, signed, raw)
}

func putAll(ctx context.Context, t *tar.Writer, v *vault.Vault, index *Index, signed, raw []byte) error {
	if err := putFile(t, noteName, int64(len(signed)), bytes.NewReader(signed)); err != nil {
		return err
	}
	if err := putFile(t, indexName, int64(len(raw)), bytes.NewReader(raw)); err != nil {
		return err
	}
	for at := firstPlace; index.has(at); at = index.after(at) {
		r, err := contents(v, index, at)
		if err != nil {
			return err
		}
		if err := putFile(t, index.name(at), index.sealed(at).Size, untilDone{ctx, r}); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("failed to write parcel: %w", err)
	}
	return nil
}

// newPart makes the index, and counts what does not fit. It returns as well how
// many bytes the index takes at most.
func newPart(ctx context.Context, v *vault.Vault, after vault.ID, limit int) (Part, int, error) {
	part := Part{Index: Index{Version: Version, Submissions: []Submission{}}}
	f := filling{limit: limit}
	for e, err := range v.Entries() {
		switch {
		case err != nil:
			return part, 0, err
		case bytes.Compare(e.ID[:], after[:]) <= 0:
			continue
		case part.Left > 0 || !f.take(e):
			part.Left++
			continue
		}
		s, err := indexSubmission(ctx, v, e)
		if err != nil {
			return part, 0, fmt.Errorf("submission %s: %w", e.ID, err)
		}
		part.Index.Submissions = append(part.Index.Submissions, s)
		part.Last = e.ID
	}
	return part, max(f.used, indexFrame), nil
}

// encodeIndex returns what json.Marshal does, submission by submission: the
// encoder's own buffers would take several times an index of 64 MiB.
func encodeIndex(x *Index, size int) ([]byte, error) {
	raw := make([]byte, 0, size)
	raw = fmt.Appendf(raw, `{"version":%d,"submissions":[`, x.Version)
	for i := range x.Submissions {
		if i > 0 {
			raw = append(raw, ',')
		}
		row, err := json.Marshal(&x.Submissions[i])
		if err != nil {
			return nil, fmt.Errorf("failed to encode the parcel's index: %w", err)
		}
		raw = append(raw, row...)
	}
	return append(raw, "]}"...), nil
}

func indexSubmission(ctx context.Context, v *vault.Vault, e vault.Entry) (Submission, error) {
	s := Submission{ID: e.ID.String(), Channel: e.Channel, Day: e.Day, Epoch: e.Epoch}
	envelope, err := v.Envelope(e.ID)
	if err != nil {
		return s, err
	}
	if s.Envelope, err = digest(ctx, bytes.NewReader(envelope), int64(len(envelope))); err != nil {
		return s, err
	}
	s.Payloads = make([]Sealed, 0, len(e.Payloads))
	for n := range e.Payloads {
		r, err := v.Payload(e, n)
		if err != nil {
			return s, err
		}
		sealed, err := digest(ctx, r, e.Payloads[n])
		if err != nil {
			return s, err
		}
		s.Payloads = append(s.Payloads, sealed)
	}
	return s, nil
}

// digest reads size bytes. It asks for a buffer of that size only: there may be
// a hundred empty files in each of many thousand submissions.
func digest(ctx context.Context, r io.Reader, size int64) (Sealed, error) {
	h := sha256.New()
	if err := ctx.Err(); err != nil {
		return Sealed{}, err
	}
	if _, err := io.CopyN(h, untilDone{ctx, r}, size); err != nil {
		return Sealed{}, fmt.Errorf("failed to read a payload: %w", err)
	}
	return Sealed{Size: size, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
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
