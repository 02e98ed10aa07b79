package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/unseal"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/parcel"
)

// An opened submission is what this reviewer's key tells of one.
type opened struct {
	known   casebook.Submission // as its manifest has it, or what can be known without
	session *unseal.Session     // nil when the envelope does not open
	refused error               // then why: [unseal.ErrNotForKey] or [unseal.ErrDamaged]
}

// tryItems opens all payloads of a submission to their ends, as who shows or saves
// them would, and adds what is wrong to what the log says. That the log agrees does
// not say that they open: the vault, which writes it, cannot tell. What was not read
// whole must not be acknowledged, after which the server may delete it. An error
// means that the disk failed, not the submission.
func (o opened) tryItems(ctx context.Context, at folder, s parcel.Submission, found []witness.Finding) ([]witness.Finding, error) {
	found = o.tellEnvelope(s.ID, found)
	for n := range s.Payloads {
		kind, err := o.tryItem(ctx, at, n)
		if err != nil {
			return nil, fmt.Errorf("failed to read submission %s: %w", s.ID, err)
		}
		found = tellItem(found, s.ID, n, kind)
	}
	return found, nil
}

func (o opened) tryItem(ctx context.Context, at folder, n int) (witness.Kind, error) {
	sealed, err := at.payload(n)
	if err != nil {
		return "", err
	}
	defer sealed.Close()
	return o.try(n, &cancellable{ctx, sealed})
}

// try opens a payload, and returns what is wrong with it, or "". Errors are those
// of the reader.
func (o opened) try(n int, sealed io.Reader) (witness.Kind, error) {
	if o.session == nil {
		return "", nil
	}
	plain, err := o.session.Open(sealed)
	if err == nil {
		_, err = io.Copy(onlyWriter{io.Discard}, &verified{plain: plain, hash: sha256.New(), item: o.item(n)})
	}
	switch {
	case errors.Is(err, unseal.ErrDamaged):
		return ItemDamaged, nil
	case errors.Is(err, ErrDiffers):
		return ItemDiffers, nil
	}
	return "", err
}

// item is what the manifest says of a payload; nothing of its own.
func (o opened) item(n int) casebook.Item {
	i := slices.IndexFunc(o.known.Items, func(i casebook.Item) bool { return i.N == n })
	if i < 0 {
		return casebook.Item{}
	}
	return o.known.Items[i]
}

// tellEnvelope tells an envelope that names this reviewer and does not open. Of one
// that names others only the log says enough.
func (o opened) tellEnvelope(id string, found []witness.Finding) []witness.Finding {
	if errors.Is(o.refused, unseal.ErrDamaged) && !hasKind(found, witness.EnvelopeUnreadable) {
		found = append(found, witness.Finding{Kind: EnvelopeUnopened, ID: id})
	}
	return found
}

// tellItem adds what opening a payload found. When the log says that it is another
// one than the vault accepted, that it does not open only tells how it came to be.
func tellItem(found []witness.Finding, id string, n int, kind witness.Kind) []witness.Finding {
	if kind == "" || hasKind(found, witness.PayloadsSwapped) {
		return found
	}
	for i, f := range found {
		switch {
		case f.Item != n || !AboutItem(f.Kind):
		case f.Kind == witness.PayloadDiffers && kind == ItemDamaged:
			found[i].Kind = PayloadCut
			return found
		default:
			return found
		}
	}
	return append(found, witness.Finding{Kind: kind, ID: id, Item: n})
}

// auditPayload reads a stored payload once, to compare it with what was imported
// and to open it.
func (o opened) auditPayload(ctx context.Context, at folder, n int, want parcel.Sealed) (witness.Kind, error) {
	sealed, err := at.payload(n)
	if err != nil {
		return StoredDamaged, nil
	}
	defer sealed.Close()
	if info, err := sealed.Stat(); err != nil || info.Size() != want.Size {
		return StoredDamaged, nil
	}
	digest := sha256.New()
	whole := io.TeeReader(&cancellable{ctx, sealed}, digest)
	kind, err := o.try(n, whole)
	if err == nil {
		_, err = io.CopyBuffer(onlyWriter{io.Discard}, whole, make([]byte, copyBuffer))
	}
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil || hex.EncodeToString(digest.Sum(nil)) != want.SHA256:
		return StoredDamaged, nil
	}
	return kind, nil
}
