package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/unseal"
	"sourdine/vault/manifest"
	"sourdine/vault/parcel"
)

// catchUp enters what an interrupted import stored and did not enter.
func (d *Desk) catchUp(ctx context.Context, report *Report) error {
	ids, err := d.store().ids()
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, err := d.book.Submission(ctx, id)
		if err == nil {
			continue
		}
		if !errors.Is(err, casebook.ErrNotFound) {
			return err
		}
		s, err := d.store().entry(id)
		if err != nil {
			return err
		}
		if err := d.enter(ctx, s, report); err != nil {
			return err
		}
	}
	return nil
}

// enter opens the manifest of a stored submission and tells the casebook.
func (d *Desk) enter(ctx context.Context, s parcel.Submission, report *Report) error {
	vaultKey, err := d.VaultKey()
	if err != nil {
		return err
	}
	known, err := d.describe(s)
	if err != nil {
		return fmt.Errorf("submission %s: %w", s.ID, err)
	}
	known.Vault = vaultKey
	added, err := d.book.AddSubmission(ctx, known)
	if errors.Is(err, casebook.ErrInvalid) {
		// A manifest can be valid and still be more than the casebook takes.
		known = undescribed(s, DoubtManifest)
		known.Vault = vaultKey
		added, err = d.book.AddSubmission(ctx, known)
	}
	if err != nil {
		return err
	}
	if added {
		report.New = append(report.New, s.ID)
	}
	if known.Doubtful != "" {
		report.Doubtful[s.ID] = Doubt(known.Doubtful)
	}
	return nil
}

// describe returns what the manifest says, or what can be known without it. An
// error means that the disk failed, not the submission.
func (d *Desk) describe(s parcel.Submission) (casebook.Submission, error) {
	raw, err := d.openManifest(s)
	if err != nil {
		if ours := errors.Is(err, unseal.ErrDamaged) || errors.Is(err, unseal.ErrNotForKey); !ours {
			return casebook.Submission{}, err
		}
		return undescribed(s, d.blame(s)), nil
	}
	m, err := manifest.Parse(bytes.NewReader(raw))
	if err != nil {
		return undescribed(s, DoubtManifest), nil
	}
	known := casebook.Submission{
		ID: s.ID, Channel: s.Channel, Day: s.Day, Language: m.Language, Message: m.Message, Items: []casebook.Item{},
	}
	for _, i := range m.Items {
		known.Items = append(known.Items, casebook.Item{
			N: i.N, Name: i.Name, Size: i.Size, Type: i.Type, SHA256: strings.ToLower(i.SHA256),
		})
	}
	if len(m.Items) != len(s.Payloads)-1 {
		known.Doubtful = string(DoubtFiles)
	}
	for n := len(m.Items) + 1; n < len(s.Payloads); n++ {
		known.Items = append(known.Items, casebook.Item{N: n})
	}
	return known, nil
}

func (d *Desk) openManifest(s parcel.Submission) ([]byte, error) {
	envelope, err := d.store().envelope(s.ID)
	if err != nil {
		return nil, err
	}
	sealed, err := d.store().payload(s.ID, 0)
	if err != nil {
		return nil, err
	}
	defer sealed.Close()
	plain, err := d.key.Open(envelope, sealed)
	if err != nil {
		return nil, err
	}
	// One byte more, so that Parse sees that it is too large.
	return io.ReadAll(io.LimitReader(plain, manifest.MaxSize+1))
}

// blame finds out whether it is the envelope that does not open.
func (d *Desk) blame(s parcel.Submission) Doubt {
	envelope, err := d.store().envelope(s.ID)
	if err != nil {
		return DoubtEnvelope
	}
	if err := d.key.TryEnvelope(envelope); err != nil {
		return DoubtEnvelope
	}
	return DoubtManifest
}

// undescribed is a submission without manifest: its files have numbers only.
func undescribed(s parcel.Submission, doubt Doubt) casebook.Submission {
	known := casebook.Submission{ID: s.ID, Channel: s.Channel, Day: s.Day, Doubtful: string(doubt), Items: []casebook.Item{}}
	for n := range s.Payloads[1:] {
		known.Items = append(known.Items, casebook.Item{N: n + 1})
	}
	return known
}
