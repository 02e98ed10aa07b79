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
	"sourdine/journalist-ui/witness"
	"sourdine/vault/manifest"
	"sourdine/vault/order"
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
	// Left is how many submissions follow in further parcels.
	Left int `json:"left"`
	// Healed were here before, with files missing or damaged, or could not be
	// opened; this import mended them.
	Healed []string `json:"healed"`
	// Doubtful are those of New and Healed that are kept apart.
	Doubtful map[string]Doubt `json:"doubtful"`
	// Conflicts are known submissions of which the parcel has another header,
	// envelope or payload. What was there before is kept.
	Conflicts []string `json:"conflicts"`
	// Refused says why a submission is not at the desk: the parcel lists it with
	// what no vault writes, or what is stored of it is damaged and the parcel has
	// nothing to mend it with.
	Refused map[string]string `json:"refused"`

	// Parcel is what is wrong with the parcel as a whole, an old or a forked log
	// before all.
	Parcel []witness.Finding `json:"parcel"`
	// Findings are about submissions of the parcel.
	Findings map[string][]witness.Finding `json:"findings"`
	// Log is wrong in what is new in the log.
	Log []witness.Finding `json:"log"`
	// Missing is all that was accepted for this reviewer and did not come, or was
	// deleted as nobody may.
	Missing []witness.Finding `json:"missing"`
	// Events are new in the log.
	Events []witness.Event `json:"events"`
	// Again are submissions whose deletion the server had done, and had forgotten
	// when it was restored: the next return parcel orders it again.
	Again []string `json:"again"`
	// Receipt is the server's answer to a return parcel, if it is new.
	Receipt *order.Applied `json:"receipt"`
}

// Sound reports whether nothing but doubtful submissions needs a person's eye.
func (r Report) Sound() bool {
	return len(r.Conflicts) == 0 && len(r.Refused) == 0 && !r.Found()
}

// Found reports whether something is wrong beyond a notice.
func (r Report) Found() bool {
	for _, findings := range r.Findings {
		if serious(findings) {
			return true
		}
	}
	return serious(r.Parcel) || serious(r.Log) || serious(r.Missing)
}

func newReport() Report {
	return Report{
		New: []string{}, Healed: []string{}, Doubtful: map[string]Doubt{}, Conflicts: []string{}, Refused: map[string]string{},
		Parcel: []witness.Finding{}, Findings: map[string][]witness.Finding{}, Log: []witness.Finding{},
		Missing: []witness.Finding{}, Events: []witness.Event{}, Again: []string{},
	}
}

// has reports whether this import told of the submission already.
func (r *Report) has(id string) bool {
	_, refused := r.Refused[id]
	return refused || slices.Contains(r.New, id) || slices.Contains(r.Healed, id) || slices.Contains(r.Conflicts, id)
}

// Import takes in an outbound parcel. Before the first parcel it trusts the key
// that the parcel names, and pins it. A parcel that is refused, or damaged
// somewhere, gives a [ParcelError]; the report then says what came in before it.
// What is at the desk already is compared, file by file, with what the vault
// signed; missing and damaged files are replaced from the parcel.
// Only one import runs at a time: [ErrBusy].
func (d *Desk) Import(ctx context.Context, r io.Reader) (Report, error) {
	report := newReport()
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
	return report, d.importAccepted(ctx, p, &report)
}

// importAccepted holds the parcel to the log while it takes it in.
func (d *Desk) importAccepted(ctx context.Context, p *parcel.Reader, report *Report) error {
	report.Left = p.Index().Left
	book, err := d.beginLog()
	if err != nil {
		return err
	}
	i, err := d.beginInspection(book, p, report)
	if err == nil {
		err = i.readLog(ctx)
	}
	if err == nil {
		err = i.open()
	}
	if err == nil {
		err = d.importAll(ctx, p, i)
	}
	if err == nil {
		err = i.findMissing()
	}
	if i != nil {
		err = errors.Join(err, i.close())
	}
	return errors.Join(err, book.Close())
}

// accept pins the key of a parcel whose signature is good.
func (d *Desk) accept(p *parcel.Reader, report *Report) error {
	pinned, err := d.VaultKey()
	if err != nil {
		return err
	}
	report.VaultKey, report.FirstUse = p.VaultKey(), pinned == ""
	return d.pin(p.VaultKey())
}

const maxChannel = 256 // bytes

// checkIndexed refuses a submission that no vault writes and the casebook would
// not take. It says nothing of what stands there: that may be anything.
func checkIndexed(s parcel.Submission) error {
	day, err := time.Parse(time.DateOnly, s.Day)
	switch {
	case err != nil || day.Format(time.DateOnly) != s.Day:
		return errors.New("the parcel lists it with a day that is not valid")
	case !utf8.ValidString(s.Channel) || len(s.Channel) > maxChannel:
		return errors.New("the parcel lists it with a channel that is not valid")
	case s.Envelope.Size > unseal.MaxEnvelope:
		return fmt.Errorf("the parcel lists it with an envelope of more than %d bytes", unseal.MaxEnvelope)
	case len(s.Payloads) > manifest.MaxItems+1:
		return fmt.Errorf("the parcel lists it with more than %d files", manifest.MaxItems)
	}
	return nil
}

func (d *Desk) importAll(ctx context.Context, p *parcel.Reader, i *inspection) error {
	for _, s := range p.Index().Submissions {
		err := d.importOne(ctx, p, s, i)
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
func (d *Desk) importOne(ctx context.Context, p *parcel.Reader, s parcel.Submission, i *inspection) error {
	if err := next(p, s); err != nil {
		return err
	}
	if err := checkIndexed(s); err != nil {
		i.report.Refused[s.ID] = err.Error()
		return skip(p, s)
	}
	stored, err := d.store().compare(ctx, s)
	if err != nil {
		return err
	}
	envelope, err := io.ReadAll(fromParcel{p, s.ID}) // its size was checked
	if err != nil {
		return err
	}
	found := i.check(s, envelope)
	switch {
	case stored == whole, stored == renewed && !serious(found) && d.isSettled(ctx, s.ID, i):
		if stored == whole {
			i.stays(s.ID, found)
		}
		if !i.report.has(s.ID) { // by catchUp
			i.report.Known++
		}
		return skip(p, s)
	case stored == renewed && serious(found), stored == different && (serious(found) || !i.doubts(s.ID)):
		i.conflict(s.ID, found)
		return skip(p, s)
	}
	// An envelope that cannot be read may be meant for us: it is kept, and so is
	// what the log says is for us.
	if ours, err := d.key.Names(envelope); stored == absent && err == nil && !ours && !i.isOurs(s.ID) {
		i.report.Others++
		i.found(s.ID, found)
		return skip(p, s)
	}
	return d.take(ctx, p, s, envelope, stored, i, found)
}

// isSettled reports whether what is here of a submission opens and is not in
// doubt: then it needs no other envelope.
func (d *Desk) isSettled(ctx context.Context, id string, i *inspection) bool {
	known, err := d.book.Submission(ctx, id)
	return err == nil && known.Described() && !i.doubts(id)
}

// take stores a submission and enters it, unless it contradicts what is known.
func (d *Desk) take(
	ctx context.Context, p *parcel.Reader, s parcel.Submission, envelope []byte, stored standing, i *inspection, found []witness.Finding,
) error {
	part, err := d.receive(ctx, p, s, envelope)
	if err != nil {
		return err
	}
	o, change, err := d.judge(ctx, part)
	if err == nil {
		found, err = o.tryItems(ctx, part.folder, s, found)
	}
	if err != nil {
		return errors.Join(err, part.drop())
	}
	// Another envelope is taken for a submission that did not open, and then does,
	// or whose envelope was in doubt.
	better := change == changeBetter || i.doubts(s.ID) && !serious(found)
	if change == changeRefused || (stored == reenveloped && !better) {
		i.conflict(s.ID, found)
		return part.drop()
	}
	i.found(s.ID, found)
	if err := part.keep(); err != nil {
		return errors.Join(err, part.drop())
	}
	delete(i.report.Refused, s.ID)
	i.findings.came(s.ID)
	if change == changeNothing {
		i.report.Healed = append(i.report.Healed, s.ID)
	}
	return d.enter(ctx, o.known, change, i.report)
}

// judge opens what was received, before it is kept.
func (d *Desk) judge(ctx context.Context, part *partial) (opened, change, error) {
	o, err := d.describe(part.folder, part.entry)
	if err != nil {
		return o, changeNothing, err
	}
	c, err := d.changeBy(ctx, o.known)
	return o, c, err
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

// receive stores the sealed files, verified against the signed index, beside
// the folder that they are for.
func (d *Desk) receive(ctx context.Context, p *parcel.Reader, s parcel.Submission, envelope []byte) (*partial, error) {
	part, err := d.store().begin(s)
	if err != nil {
		return nil, err
	}
	err = part.add(ctx, envelopeName, bytes.NewReader(envelope))
	for n := 0; err == nil && n < len(s.Payloads); n++ {
		if err = next(p, s); err == nil {
			err = part.add(ctx, payloadName(n), fromParcel{p, s.ID})
		}
	}
	if err != nil {
		return nil, errors.Join(err, part.drop())
	}
	return part, nil
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
