package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/unseal"
	"sourdine/vault/manifest"
	"sourdine/vault/parcel"
)

// catchUp enters what an interrupted import stored and did not enter, and what
// could not be opened before and can be now. A submission that cannot be entered
// is reported and stops no other.
func (d *Desk) catchUp(ctx context.Context, report *Report) error {
	ids, err := d.store().ids()
	if err != nil {
		return err
	}
	for _, id := range ids {
		known, err := d.book.Submission(ctx, id)
		if err == nil && known.Described() {
			continue
		}
		if err != nil && !errors.Is(err, casebook.ErrNotFound) {
			return err
		}
		if err := d.enterStored(ctx, id, report); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) enterStored(ctx context.Context, id string, report *Report) error {
	s, err := d.store().entry(id)
	if err != nil {
		report.Refused[id] = err.Error()
		return nil
	}
	at, err := d.store().at(id)
	if err != nil {
		return err
	}
	known, err := d.describe(at, s)
	if err != nil {
		report.Refused[id] = fmt.Sprintf("what is stored of it cannot be read: %v", err)
		return nil
	}
	change, err := d.changeBy(ctx, known)
	if err != nil {
		return err
	}
	err = d.enter(ctx, known, change, report)
	if errors.Is(err, casebook.ErrInvalid) {
		report.Refused[id] = err.Error()
		return nil
	}
	return err
}

// A change is what a description would change in the casebook.
type change int

const (
	changeNothing change = iota
	changeNew            // there is none of this submission yet
	changeBetter         // the one that is there could tell nothing
	changeRefused        // the one that is there says otherwise
)

func (d *Desk) changeBy(ctx context.Context, known casebook.Submission) (change, error) {
	old, err := d.book.Submission(ctx, known.ID)
	switch {
	case errors.Is(err, casebook.ErrNotFound):
		return changeNew, nil
	case err != nil:
		return changeNothing, err
	case reflect.DeepEqual(old, known), !old.Described() && !known.Described():
		return changeNothing, nil
	case !old.Described():
		return changeBetter, nil
	}
	return changeRefused, nil
}

// enter tells the casebook of a submission that is stored, and reports it. A
// change that is refused is the caller's to report.
func (d *Desk) enter(ctx context.Context, known casebook.Submission, c change, report *Report) error {
	switch c {
	case changeNew:
		if _, err := d.book.AddSubmission(ctx, known); err != nil {
			return err
		}
		report.New = append(report.New, known.ID)
	case changeBetter:
		if err := d.book.SupersedeSubmission(ctx, known); err != nil {
			return err
		}
		report.Healed = append(report.Healed, known.ID)
	}
	if known.Doubtful != "" && c != changeNothing {
		report.Doubtful[known.ID] = Doubt(known.Doubtful)
	}
	return nil
}

// describe returns what the manifest of the submission in a folder says, or what
// can be known without it. An error means that the disk failed, not the
// submission.
func (d *Desk) describe(at folder, s parcel.Submission) (casebook.Submission, error) {
	vaultKey, err := d.VaultKey()
	if err != nil {
		return casebook.Submission{}, err
	}
	known, err := d.read(at, s)
	if err != nil {
		return known, fmt.Errorf("submission %s: %w", s.ID, err)
	}
	known.Vault = vaultKey
	if known.Check() != nil {
		// A manifest can be valid and still be more than the casebook takes.
		known = undescribed(s, DoubtManifest)
		known.Vault = vaultKey
	}
	return known, nil
}

func (d *Desk) read(at folder, s parcel.Submission) (casebook.Submission, error) {
	raw, err := d.openManifest(at)
	if err != nil {
		if ours := errors.Is(err, unseal.ErrDamaged) || errors.Is(err, unseal.ErrNotForKey); !ours {
			return casebook.Submission{}, err
		}
		return undescribed(s, d.blame(at)), nil
	}
	m, err := manifest.Parse(bytes.NewReader(raw))
	if err != nil {
		return undescribed(s, DoubtManifest), nil
	}
	return described(s, m), nil
}

// described is a submission as its manifest tells.
func described(s parcel.Submission, m manifest.Manifest) casebook.Submission {
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
	return known
}

func (d *Desk) openManifest(at folder) ([]byte, error) {
	envelope, err := at.envelope()
	if err != nil {
		return nil, err
	}
	sealed, err := at.payload(0)
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
func (d *Desk) blame(at folder) Doubt {
	envelope, err := at.envelope()
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
