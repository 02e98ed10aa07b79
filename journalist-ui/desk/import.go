package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"

	"sourdine/journalist-ui/unseal"
	"sourdine/vault/parcel"
)

// A Report says what an import did. Its lists are in the parcel's order.
type Report struct {
	VaultKey string `json:"vault_key"`
	// FirstUse: the vault's key was pinned by this import.
	FirstUse bool     `json:"first_use"`
	New      []string `json:"new"`    // ids that are at the desk since, doubtful ones too
	Known    int      `json:"known"`  // were at the desk before
	Others   int      `json:"others"` // sealed to other reviewers only
	// Doubtful are those of New that are kept apart.
	Doubtful map[string]Doubt `json:"doubtful"`
	// Conflicts are known submissions that the parcel has with other contents.
	// What was there before is kept.
	Conflicts []string `json:"conflicts"`
}

// Import takes in an outbound parcel. Before the first parcel it trusts the key
// that the parcel names, and pins it. A parcel that is refused, or damaged
// somewhere, gives a [ParcelError]; the report then says what came in before it.
// Only one import runs at a time: [ErrBusy].
func (d *Desk) Import(ctx context.Context, r io.Reader) (Report, error) {
	report := Report{New: []string{}, Doubtful: map[string]Doubt{}, Conflicts: []string{}}
	release, err := d.lockImport()
	if err != nil {
		return report, err
	}
	defer release()
	if err := d.store().sweep(); err != nil {
		return report, err
	}
	if err := d.catchUp(ctx, &report); err != nil {
		return report, err
	}
	p, err := parcel.Open(&cancellable{ctx, r}, d.trust)
	if ctx.Err() != nil {
		return report, ctx.Err()
	}
	if err != nil {
		return report, &ParcelError{Err: err}
	}
	if err := d.accept(p, &report); err != nil {
		return report, err
	}
	return report, d.importAll(ctx, p, &report)
}

// accept pins the key of a parcel whose signature is good.
func (d *Desk) accept(p *parcel.Reader, report *Report) error {
	for _, s := range p.Index().Submissions {
		if err := checkIndexed(s); err != nil {
			return &ParcelError{Err: err}
		}
	}
	pinned, err := d.VaultKey()
	if err != nil {
		return err
	}
	report.VaultKey, report.FirstUse = p.VaultKey(), pinned == ""
	return d.Pin(p.VaultKey())
}

// checkIndexed refuses what no vault writes and the casebook would not take.
func checkIndexed(s parcel.Submission) error {
	const maxChannel = 256 // bytes
	day, err := time.Parse(time.DateOnly, s.Day)
	switch {
	case err != nil || day.Format(time.DateOnly) != s.Day:
		return fmt.Errorf("submission %s has a day that is not valid", s.ID)
	case !utf8.ValidString(s.Channel) || len(s.Channel) > maxChannel:
		return fmt.Errorf("submission %s has a channel that is not valid", s.ID)
	case s.Envelope.Size > unseal.MaxEnvelope:
		return fmt.Errorf("submission %s has an envelope of more than %d bytes", s.ID, unseal.MaxEnvelope)
	}
	return nil
}

func (d *Desk) importAll(ctx context.Context, p *parcel.Reader, report *Report) error {
	for _, s := range p.Index().Submissions {
		err := d.importOne(ctx, p, s, report)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	// What was skipped at the end is verified to be there, and nothing after it.
	if _, err := p.Next(); !errors.Is(err, io.EOF) {
		return &ParcelError{Err: err}
	}
	return nil
}

// importOne takes the files of one submission from the parcel.
func (d *Desk) importOne(ctx context.Context, p *parcel.Reader, s parcel.Submission, report *Report) error {
	if err := next(p, s); err != nil {
		return err
	}
	old, err := d.store().entry(s.ID)
	switch {
	case err == nil && !slices.Equal(old.Payloads, s.Payloads):
		report.Conflicts = append(report.Conflicts, s.ID)
		return skip(p, s)
	case err == nil:
		if !slices.Contains(report.New, s.ID) { // by catchUp
			report.Known++
		}
		return skip(p, s)
	case !errors.Is(err, ErrNotFound):
		return err
	}
	envelope, err := io.ReadAll(fromParcel{p, s.ID}) // its size was checked
	if err != nil {
		return err
	}
	// An envelope that cannot be read may be meant for us: it is kept.
	if ours, err := d.key.Names(envelope); err == nil && !ours {
		report.Others++
		return skip(p, s)
	}
	if err := d.keep(ctx, p, s, envelope); err != nil {
		return err
	}
	return d.enter(ctx, s, report)
}

// skip passes over the payloads of a submission.
func skip(p *parcel.Reader, s parcel.Submission) error {
	for range s.Payloads {
		if err := next(p, s); err != nil {
			return err
		}
	}
	return nil
}

// keep stores the sealed files, verified against the signed index.
func (d *Desk) keep(ctx context.Context, p *parcel.Reader, s parcel.Submission, envelope []byte) (err error) {
	part, err := d.store().begin(s)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, part.drop())
		}
	}()
	if err := part.add(ctx, envelopeName, bytes.NewReader(envelope)); err != nil {
		return err
	}
	for n := range s.Payloads {
		if err := next(p, s); err != nil {
			return err
		}
		if err := part.add(ctx, payloadName(n), fromParcel{p, s.ID}); err != nil {
			return err
		}
	}
	return part.keep()
}

// next moves to the next file of the parcel, which belongs to s.
func next(p *parcel.Reader, s parcel.Submission) error {
	if _, err := p.Next(); err != nil {
		return &ParcelError{Submission: s.ID, Err: err}
	}
	return nil
}

// fromParcel tells errors of the parcel from those of our own disk.
type fromParcel struct {
	r          io.Reader
	submission string
}

func (f fromParcel) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &ParcelError{Submission: f.submission, Err: err}
	}
	return n, err
}
