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
// it finds. It reads every file of the home's sealed submissions, and opens none.
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
		if err := d.auditLog(ctx, book, f, &a); err != nil {
			return err
		}
		return d.auditSubmissions(ctx, book, &a)
	})
	if err != nil {
		return a, err
	}
	a.Parcels = f.Parcels
	f.Submissions, f.Interrupted = a.Findings, false
	return a, d.keepFindings(f)
}

func (d *Desk) auditLog(ctx context.Context, book *witness.Book, f *Findings, a *Audit) error {
	held, err := d.holdings(f.Announced)
	if err != nil {
		return err
	}
	h, err := d.history()
	if err != nil {
		return err
	}
	f.Log, f.Missing, err = auditBook(ctx, book, held)
	if err != nil {
		return err
	}
	a.Log = slices.Concat(a.Log, f.Log, f.Missing)
	events, err := book.Events(0)
	if err != nil {
		return err
	}
	a.Leaves, a.Events, a.Returns, a.Receipts = book.Size(), len(events), len(h.orders), len(h.receipts)
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
	for _, one := range found {
		if !slices.Contains(missing, one) && !slices.Contains(log, one) {
			log = append(log, one)
		}
	}
	return log, missing, nil
}

func (d *Desk) auditSubmissions(ctx context.Context, book *witness.Book, a *Audit) error {
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
		found, err := d.auditOne(ctx, book, id, a)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			a.Findings[id] = found
		}
	}
	return nil
}

// auditOne compares the files of a submission with its entry, and the entry with
// the log.
func (d *Desk) auditOne(ctx context.Context, book *witness.Book, id string, a *Audit) ([]witness.Finding, error) {
	e, err := d.store().entry(id)
	if err != nil {
		return []witness.Finding{{Kind: StoredLost, ID: id}}, nil
	}
	at, err := d.store().at(id)
	if err != nil {
		return nil, err
	}
	var found []witness.Finding
	check := func(item int, name string, want parcel.Sealed) {
		a.Files++
		a.Bytes += want.Size
		if !isFile(ctx, filepath.Join(string(at), name), want) {
			found = append(found, witness.Finding{Kind: StoredDamaged, ID: id, Item: item})
		}
	}
	check(envelopeItem, envelopeName, e.Envelope)
	for n, p := range e.Payloads {
		check(n, payloadName(n), p)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(found, func(f witness.Finding) bool { return f.Item == envelopeItem }) {
		return found, nil // who it names cannot be told
	}
	envelope, err := at.envelope()
	if err != nil {
		return nil, fmt.Errorf("failed to read submission %s: %w", id, err)
	}
	return append(found, d.tellCut(at, book.Check(received(e, envelope)))...), nil
}
