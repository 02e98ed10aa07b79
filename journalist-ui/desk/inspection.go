package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"sourdine/journalist-ui/witness"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
)

// An inspection holds one parcel to the log.
type inspection struct {
	desk     *Desk
	parcel   *parcel.Reader
	report   *Report
	log      *witness.Book
	findings *Findings

	visit    *witness.Visit // until it is committed or refused
	answered *order.Applied // the server's last receipt for this reviewer
	// refused is why the parcel's log did not enter the book. Its submissions are
	// then kept apart, unless it is only an older state of it, or of the one before
	// the server was restored.
	refused  witness.Kind
	unproven map[string][]witness.Finding // by submission
}

func (d *Desk) beginInspection(log *witness.Book, p *parcel.Reader, report *Report) (*inspection, error) {
	f, err := d.Findings()
	if err != nil {
		return nil, err
	}
	if f.Part == nil { // what is new is not missing before a parcel came whole
		f.Part = &witness.Part{Size: log.Size()}
	}
	i := &inspection{desk: d, parcel: p, report: report, log: log, findings: f, unproven: map[string][]witness.Finding{}}
	if err := d.settle(context.Background(), log, f); err != nil {
		return nil, err
	}
	return i, i.catchUp()
}

// settle looks again at what an interrupted import stored: what it found wrong
// with that is lost. And it follows the log, if that began a generation just then.
// The import lock must be held.
func (d *Desk) settle(ctx context.Context, log *witness.Book, f *Findings) error {
	if err := d.follow(ctx, log, f); err != nil || !f.Interrupted {
		return err
	}
	a := Audit{Findings: map[string][]witness.Finding{}}
	if err := d.auditSubmissions(ctx, log, f, &a); err != nil {
		return err
	}
	f.Submissions, f.Interrupted = a.Findings, false
	return d.keepFindings(f)
}

// catchUp tells of leaves that an interrupted import committed and did not tell
// of.
func (i *inspection) catchUp() error {
	if i.findings.Told >= i.log.Size() {
		return nil
	}
	return i.tell(nil)
}

// tell enters what the log says since it was last told of. found is what the
// commit found in it; nil when that was lost.
func (i *inspection) tell(found []witness.Finding) error {
	events, err := i.log.Events(i.findings.Told)
	if err != nil {
		return err
	}
	if found == nil {
		held, err := i.desk.holdings(i.findings)
		if err != nil {
			return err
		}
		if found, _, err = auditBook(context.Background(), i.log, held); err != nil {
			return err
		}
	}
	stored, err := i.desk.store().ids()
	if err != nil {
		return err
	}
	i.findings.addLog(found, setOf(stored))
	i.findings.tell(events)
	i.findings.Told = i.log.Size()
	i.report.Events = append(i.report.Events, events...)
	i.report.Log = append(i.report.Log, found...)
	return nil
}

// open notes that submissions are being taken in whose findings are not written
// yet; close writes them.
func (i *inspection) open() error {
	i.findings.Interrupted = true
	return i.desk.keepFindings(i.findings)
}

func (i *inspection) close() error {
	// What does not follow the log yet is not acknowledged before it does.
	i.findings.Interrupted = i.findings.Generation != i.log.Generation()
	return i.desk.keepFindings(i.findings)
}

// readLog reads the files before the submissions, and takes the log into the
// book if it is what the vault signed and continues what was seen.
func (i *inspection) readLog(ctx context.Context) (err error) {
	defer func() {
		if i.visit != nil {
			err = errors.Join(err, i.refuseVisit(i.visit.Drop()))
		}
	}()
	for range i.parcel.Index().Files {
		f, err := i.parcel.Next()
		if err != nil {
			return &ParcelError{Err: err}
		}
		if err := i.readFile(ctx, f); err != nil {
			return err
		}
		// What was not read has not been verified.
		if _, err := io.Copy(io.Discard, fromParcel{i.parcel, ""}); err != nil {
			return err
		}
	}
	return i.commit(ctx)
}

// commit makes what was proven a part of the book.
func (i *inspection) commit(ctx context.Context) error {
	if i.visit == nil || i.refused != "" {
		return nil
	}
	if i.visit.Begins() { // a kill until the desk has followed is noted as one among submissions is
		if err := i.open(); err != nil {
			return err
		}
	}
	change, err := i.visit.Commit()
	if err != nil {
		return i.refuseVisit(err)
	}
	i.visit = nil
	if err := i.afterCommit(ctx); err != nil {
		return err
	}
	found := change.Findings
	if found == nil {
		found = []witness.Finding{}
	}
	return i.tell(found)
}

// afterCommit takes what the server remembers of this desk, from a parcel whose log is
// the book's, and follows the log into a generation that began.
func (i *inspection) afterCommit(ctx context.Context) error {
	if i.tellsReceipt() {
		again, err := i.desk.hear(i.log, i.findings, i.answered)
		if err != nil {
			return err
		}
		i.report.Again = append(i.report.Again, again...)
	}
	return i.desk.follow(ctx, i.log, i.findings)
}

// tellsReceipt reports whether the parcel has the server's last receipt for this
// reviewer, or else says that there is none. One for somebody else says nothing, nor
// does a receipt that is bad.
func (i *inspection) tellsReceipt() bool {
	x, self := i.parcel.Index(), i.desk.Fingerprint()
	has := slices.ContainsFunc(x.Files, func(f parcel.Named) bool { return f.Name == receiptFolder+self+receiptSuffix })
	return (x.Reviewer == "" || x.Reviewer == self) && has == (i.answered != nil)
}

// refuse notes an error of package witness that is the parcel's fault; others
// are returned.
func (i *inspection) refuse(err error) error {
	var refused *witness.Refused
	if !errors.As(err, &refused) {
		return err
	}
	i.note(refused.Finding)
	return nil
}

func (i *inspection) note(f witness.Finding) {
	if !slices.Contains(i.report.Parcel, f) {
		i.report.Parcel = append(i.report.Parcel, f)
	}
	i.findings.refuse(f)
}

// refuseVisit is refuse for what keeps the whole log out.
func (i *inspection) refuseVisit(err error) error {
	var refused *witness.Refused
	if errors.As(err, &refused) && i.refused == "" {
		i.refused = refused.Finding.Kind
	}
	return i.refuse(err)
}

// begin takes the checkpoint. What is cut off at the limit is not signed.
func (i *inspection) begin() error {
	raw, err := i.start(translog.MaxCheckpoint)
	if err != nil {
		return err
	}
	i.visit, err = i.log.Begin(raw)
	return i.refuseVisit(err)
}

// start reads a file of the parcel, and of one that is larger than the limit a
// byte more, by which whoever is given it sees that.
func (i *inspection) start(limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(fromParcel{i.parcel, ""}, limit+1))
}

func (i *inspection) leaves(ctx context.Context) error {
	err := i.visit.Leaves(&cancellable{ctx, fromParcel{i.parcel, ""}}, i.parcel.Index().Since)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return i.refuseVisit(err)
}

const maxProofLine = 64 << 10 // bytes

// proofs checks the first line, of consistency, and those of inclusion.
func (i *inspection) proofs() error {
	var first bytes.Buffer
	r := fromParcel{i.parcel, ""}
	for first.Len() < maxProofLine && !bytes.HasSuffix(first.Bytes(), []byte("\n")) {
		if _, err := io.CopyN(&first, r, 1); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	var line struct {
		Index int64          `json:"index"`
		Proof translog.Proof `json:"proof"`
	}
	if json.Unmarshal(first.Bytes(), &line) != nil {
		i.note(witness.Finding{Kind: witness.ProofUnreadable})
		return i.dropIfRefused()
	}
	// A proof from another size than the one that this desk knows is of no use:
	// the leaves prove the same.
	if line.Index == i.log.Size() && i.parcel.Index().Since == i.log.Size() {
		if err := i.refuse(i.visit.Consistency(line.Proof)); err != nil {
			return err
		}
	}
	if i.refused != "" {
		return i.dropIfRefused()
	}
	return i.inclusion(r)
}

func (i *inspection) inclusion(r io.Reader) error {
	var wanted []string
	for _, s := range i.parcel.Index().Submissions {
		wanted = append(wanted, s.ID)
	}
	found, err := i.visit.Inclusion(r, wanted)
	for _, f := range found {
		i.unproven[f.ID] = append(i.unproven[f.ID], f)
	}
	return i.refuse(err)
}

// dropIfRefused ends the visit when its leaves were refused.
func (i *inspection) dropIfRefused() error {
	if i.refused == "" {
		return nil
	}
	visit := i.visit
	i.visit = nil
	return i.refuse(visit.Drop())
}

// check holds a submission of the parcel to the log.
func (i *inspection) check(s parcel.Submission, envelope []byte) []witness.Finding {
	if i.refused != "" && i.refused != witness.Rollback && i.refused != witness.OldLog {
		return []witness.Finding{{Kind: i.refused, ID: s.ID}}
	}
	found := slices.Clone(i.unproven[s.ID])
	for _, f := range i.log.Check(received(s, envelope)) {
		if f.Kind != witness.NotInLog || len(found) == 0 { // which the proofs told
			found = append(found, f)
		}
	}
	return found
}

func received(s parcel.Submission, envelope []byte) witness.Received {
	r := witness.Received{ID: s.ID, Channel: s.Channel, Day: s.Day, Epoch: s.Epoch, Envelope: envelope}
	for _, p := range s.Payloads {
		r.Payloads = append(r.Payloads, p.SHA256)
	}
	return r
}

// found notes what the check of a submission found.
func (i *inspection) found(id string, findings []witness.Finding) {
	if len(findings) > 0 {
		i.report.Findings[id] = findings
	}
	// What is here is as good as it was, whatever an odd parcel says of the log.
	if i.refused == "" || len(i.findings.Submissions[id]) == 0 && !i.isKnown(id) {
		i.findings.set(id, findings)
	}
}

// isKnown reports whether the submission was here before this parcel.
func (i *inspection) isKnown(id string) bool {
	_, err := i.desk.store().entry(id)
	return err == nil
}

// stays is found for what is here whole, and was opened when it came.
func (i *inspection) stays(id string, findings []witness.Finding) {
	for _, f := range i.findings.Submissions[id] {
		if isOfOpening(f.Kind) {
			findings = append(findings, f)
		}
	}
	i.found(id, findings)
}

// conflict keeps what is here, and tells what is wrong with what came. That stays
// among what is wrong with parcels: it casts no doubt on what is here.
func (i *inspection) conflict(id string, findings []witness.Finding) {
	i.report.Conflicts = append(i.report.Conflicts, id)
	if len(findings) > 0 {
		i.report.Findings[id] = findings
	}
	for _, f := range findings {
		if !f.Kind.Notice() {
			i.findings.refuse(f)
		}
	}
}

func (i *inspection) doubts(id string) bool { return i.findings.Doubts(id) }

// isOurs reports whether the log says that a submission is for this reviewer.
func (i *inspection) isOurs(id string) bool {
	leaf, _, ok := i.log.Submission(id)
	return ok && slices.Contains(leaf.Recipients, translog.RecipientHash(i.desk.Fingerprint()))
}
