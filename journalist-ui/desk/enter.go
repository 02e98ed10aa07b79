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
	o, err := d.describe(at, s)
	if err != nil {
		report.Refused[id] = fmt.Sprintf("what is stored of it cannot be read: %v", err)
		return nil
	}
	change, err := d.changeBy(ctx, o.known)
	if err != nil {
		return err
	}
	err = d.enter(ctx, o.known, change, report)
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

// describe opens the submission in a folder, as far as its manifest. An error means
// that the disk failed, not the submission.
func (d *Desk) describe(at folder, s parcel.Submission) (opened, error) {
	vaultKey, err := d.VaultKey()
	if err != nil {
		return opened{}, err
	}
	o, err := d.read(at, s)
	if err != nil {
		return o, fmt.Errorf("submission %s: %w", s.ID, err)
	}
	o.known.Vault = vaultKey
	if o.known.Check() != nil {
		// A manifest can be valid and still be more than the casebook takes.
		o.known = undescribed(s, DoubtManifest)
		o.known.Vault = vaultKey
	}
	return o, nil
}

func (d *Desk) read(at folder, s parcel.Submission) (o opened, err error) {
	envelope, err := at.envelope()
	if err != nil {
		return o, err
	}
	if o.session, o.refused = d.key.Session(envelope); o.refused != nil {
		o.known = undescribed(s, DoubtEnvelope)
		return o, nil
	}
	o.known = undescribed(s, DoubtManifest)
	raw, err := readManifest(o.session, at)
	if errors.Is(err, unseal.ErrDamaged) {
		return o, nil
	}
	if err != nil {
		return o, err
	}
	if m, err := manifest.Parse(bytes.NewReader(raw)); err == nil {
		o.known = described(s, m)
	}
	return o, nil
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
	session, err := d.key.Session(envelope)
	if err != nil {
		return nil, err
	}
	return readManifest(session, at)
}

func readManifest(session *unseal.Session, at folder) ([]byte, error) {
	sealed, err := at.payload(0)
	if err != nil {
		return nil, err
	}
	defer sealed.Close()
	plain, err := session.Open(sealed)
	if err != nil {
		return nil, err
	}
	// One byte more, so that Parse sees that it is too large.
	return io.ReadAll(io.LimitReader(plain, manifest.MaxSize+1))
}

// undescribed is a submission without manifest: its files have numbers only.
func undescribed(s parcel.Submission, doubt Doubt) casebook.Submission {
	known := casebook.Submission{ID: s.ID, Channel: s.Channel, Day: s.Day, Doubtful: string(doubt), Items: []casebook.Item{}}
	for n := range s.Payloads[1:] {
		known.Items = append(known.Items, casebook.Item{N: n + 1})
	}
	return known
}
