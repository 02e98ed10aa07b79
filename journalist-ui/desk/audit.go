package desk

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"sourdine/journalist-ui/witness"
	"sourdine/vault/parcel"
)

// envelopeItem is how a finding names the envelope's file.
const envelopeItem = -1

// An Audit says what was checked, and what is wrong.
type Audit struct {
	Leaves      int64 `json:"leaves"`      // hashed again
	Submissions int   `json:"submissions"` // of which everything here was read
	Files       int   `json:"files"`
	Bytes       int64 `json:"bytes"`
	Events      int   `json:"events"`  // in the log: rosters, policies, deletions
	Returns     int   `json:"returns"` // return parcels that were signed here
	Receipts    int   `json:"receipts"`
	Void        int   `json:"void"` // return parcels beside these, which the server forgot when it was restored

	// Log is wrong in the log, or was deleted or never came.
	Log []witness.Finding `json:"log"`
	// Findings are about submissions here.
	Findings map[string][]witness.Finding `json:"findings"`
	// Parcels were refused at earlier imports.
	Parcels []witness.Finding `json:"parcels"`
}

// Sound reports whether nothing is wrong beyond a notice. Parcels that were
// refused before are told again, and change nothing here.
func (a Audit) Sound() bool {
	for _, findings := range a.Findings {
		if serious(findings) {
			return false
		}
	}
	return !serious(a.Log)
}

// Audit repeats all checks on everything that was ever imported, and keeps what
// it finds. It reads every file of the home's sealed submissions, once, and opens
// every payload to its end: nothing of that is kept.
// Before the first import the error is [ErrNoVault].
func (d *Desk) Audit(ctx context.Context) (Audit, error) {
	a := Audit{Log: []witness.Finding{}, Findings: map[string][]witness.Finding{}}
	release, err := d.lockImport()
	if err != nil {
		return a, err
	}
	defer release()
	f, err := d.Findings()
	if err != nil {
		return a, err
	}
	err = d.withLog(func(book *witness.Book) error {
		if err := d.follow(ctx, book, f); err != nil {
			return err
		}
		if err := d.auditLog(ctx, book, f, &a); err != nil {
			return err
		}
		return d.auditSubmissions(ctx, book, f, &a)
	})
	if err != nil {
		return a, err
	}
	a.Parcels = f.Parcels
	f.Submissions, f.Interrupted = a.Findings, false
	return a, d.keepFindings(f)
}

func (d *Desk) auditLog(ctx context.Context, book *witness.Book, f *Findings, a *Audit) error {
	held, err := d.holdings(f)
	if err != nil {
		return err
	}
	h, err := d.history()
	if err != nil {
		return err
	}
	log, missing, err := auditBook(ctx, book, held)
	if err != nil {
		return err
	}
	stored, err := d.store().ids()
	if err != nil {
		return err
	}
	here := setOf(stored)
	f.setLog(log, here)
	f.setMissing(missing, here)
	a.Log = slices.Concat(a.Log, log, missing)
	for _, one := range h.foreign() {
		if !f.Known[FindingKey(one)] {
			a.Log = append(a.Log, one)
		}
	}
	events, err := book.Events(0)
	if err != nil {
		return err
	}
	a.Leaves, a.Events, a.Returns, a.Receipts, a.Void = book.Size(), len(events), len(h.orders), len(h.own()), len(h.void)
	return nil
}

// auditBook tells what is wrong in the log from what is missing, which changes
// with every parcel.
func auditBook(ctx context.Context, book *witness.Book, held witness.Holdings) (log, missing []witness.Finding, err error) {
	found, err := book.Audit(ctx, held)
	if err != nil {
		return nil, nil, err
	}
	if missing, err = book.Missing(held); err != nil {
		return nil, nil, err
	}
	return unique(missing, found)[len(unique(missing)):], missing, nil
}

func (d *Desk) auditSubmissions(ctx context.Context, book *witness.Book, f *Findings, a *Audit) error {
	stored, err := d.store().ids()
	if err != nil {
		return err
	}
	here := setOf(stored)
	for s, err := range d.book.Submissions(ctx, "") {
		if err != nil {
			return err
		}
		if !here[s.ID] {
			a.Findings[s.ID] = []witness.Finding{{Kind: StoredLost, ID: s.ID}}
		}
	}
	for _, id := range stored {
		if err := ctx.Err(); err != nil {
			return err
		}
		a.Submissions++
		found, err := d.auditOne(ctx, book, id, f.Submissions[id], a)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			a.Findings[id] = found
		}
	}
	return nil
}

// auditOne compares the files of a submission with its entry, the entry with the
// log, and what opens with the manifest. before is what was found of it until now.
func (d *Desk) auditOne(ctx context.Context, book *witness.Book, id string, before []witness.Finding, a *Audit) ([]witness.Finding, error) {
	e, err := d.store().entry(id)
	if err != nil {
		return []witness.Finding{{Kind: StoredLost, ID: id}}, nil
	}
	at, err := d.store().at(id)
	if err != nil {
		return nil, err
	}
	a.Files += 1 + len(e.Payloads)
	a.Bytes += e.Envelope.Size
	for _, p := range e.Payloads {
		a.Bytes += p.Size
	}
	damaged, o, opens, err := d.auditFiles(ctx, at, e)
	if err != nil || slices.ContainsFunc(damaged, func(f witness.Finding) bool { return f.Item == envelopeItem }) {
		return damaged, err // who an envelope names that is not the one that came cannot be told
	}
	envelope, err := at.envelope()
	if err != nil {
		return nil, fmt.Errorf("failed to read submission %s: %w", id, err)
	}
	found := o.tellEnvelope(id, remember(before, book.Check(received(e, envelope))))
	for n, kind := range opens {
		found = tellItem(found, id, n, kind)
	}
	return append(damaged, found...), nil
}

// auditFiles reads every file of a submission once. It returns what is not as it
// was imported, and of each other payload what is wrong with opening it.
func (d *Desk) auditFiles(ctx context.Context, at folder, e parcel.Submission) (damaged []witness.Finding, o opened, opens []witness.Kind, err error) {
	tell := func(item int) { damaged = append(damaged, witness.Finding{Kind: StoredDamaged, ID: e.ID, Item: item}) }
	if isFile(ctx, filepath.Join(string(at), envelopeName), e.Envelope) {
		o, _ = d.describe(at, e) // a manifest that cannot be read is told of as a file
	} else {
		tell(envelopeItem)
	}
	opens = make([]witness.Kind, len(e.Payloads))
	for n, p := range e.Payloads {
		if opens[n], err = o.auditPayload(ctx, at, n, p); err != nil {
			return nil, o, nil, err
		}
		if opens[n] == StoredDamaged {
			opens[n] = ""
			tell(n)
		}
	}
	return damaged, o, opens, ctx.Err()
}

// remember keeps what was said of a submission when its parcel's log was refused:
// this one does not know it.
func remember(before, found []witness.Finding) []witness.Finding {
	refused := slices.DeleteFunc(slices.Clone(before), func(f witness.Finding) bool { return !f.Kind.Refuses() })
	if len(refused) == 0 || !hasKind(found, witness.NotInLog) {
		return found
	}
	return append(refused, slices.DeleteFunc(found, func(f witness.Finding) bool { return f.Kind == witness.NotInLog })...)
}

// holdToLog compares what was stored of a submission with the log, and opens it.
func (d *Desk) holdToLog(ctx context.Context, book *witness.Book, at folder, e parcel.Submission) ([]witness.Finding, error) {
	envelope, err := at.envelope()
	if err != nil {
		return nil, fmt.Errorf("failed to read submission %s: %w", e.ID, err)
	}
	o, err := d.describe(at, e)
	if err != nil {
		return nil, err
	}
	return o.tryItems(ctx, at, e, book.Check(received(e, envelope)))
}
