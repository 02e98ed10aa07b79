package desk

import (
	"context"
	"strings"

	"sourdine/journalist-ui/witness"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
)

// The files of a parcel before its submissions (vault/parcel/FORMAT.md, sections
// 4 and 5).
const (
	checkpointFile = "checkpoint"
	leavesFile     = "leaves.jsonl"
	proofsFile     = "proofs.jsonl"
	rosterFolder   = "rosters/"
	orderFolder    = "orders/"
	receiptFolder  = "applied/"
)

// readFile reads one of them. Their order is the parcel reader's to check.
func (i *inspection) readFile(ctx context.Context, f parcel.File) error {
	switch {
	case f.Name == checkpointFile:
		return i.begin()
	case strings.HasPrefix(f.Name, receiptFolder):
		return i.receipt(f.Name)
	case i.visit == nil || i.refused != "" && f.Name != proofsFile:
		return nil
	case f.Name == leavesFile:
		return i.leaves(ctx)
	case f.Name == proofsFile:
		return i.proofs()
	case strings.HasPrefix(f.Name, rosterFolder):
		return i.named(witness.MaxRoster, (*witness.Visit).Roster)
	case strings.HasPrefix(f.Name, orderFolder):
		return i.named(witness.MaxOrder, (*witness.Visit).Order)
	}
	return nil
}

// named takes a file that a leaf names.
func (i *inspection) named(limit int64, take func(*witness.Visit, []byte) error) error {
	raw, err := i.start(limit)
	if err != nil {
		return err
	}
	return i.refuse(take(i.visit, raw))
}

// receipt takes the server's answer to this reviewer's last return parcel.
func (i *inspection) receipt(name string) error {
	if name != receiptFolder+i.desk.Fingerprint()+receiptSuffix {
		return nil
	}
	raw, err := i.start(order.MaxApplied)
	if err != nil {
		return err
	}
	a, err := order.OpenApplied(raw, i.parcel.VaultKey())
	if err != nil {
		i.note(witness.Finding{Kind: ReceiptBad, Cause: err.Error()})
		return nil
	}
	if a.Reviewer != i.desk.Fingerprint() {
		i.note(witness.Finding{Kind: ReceiptBad})
		return nil
	}
	i.answered = a
	news, foreign, err := i.desk.keepReceipt(raw, a)
	switch {
	case news && foreign:
		i.note(foreignReceipt(a))
	case news:
		i.report.Receipt = a
	}
	return err
}
