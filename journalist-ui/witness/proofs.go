package witness

import (
	"encoding/json"
	"errors"
	"io"

	"sourdine/vault/translog"
)

const maxProofLine = 16 << 10 // bytes

// Consistency checks the parcel's proof that the log continues the one that the
// book knows. Leaves proves as much and more; when they are wrong, this tells
// whether the parcel or the log is. The error is [Refused].
func (v *Visit) Consistency(proof translog.Proof) error {
	b := v.book
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case v.done:
		return errEnded
	case v.refusal != nil:
		return v.refusal
	case v.begins != nil, translog.CheckConsistency(proof, b.last, v.at) == nil:
		return nil
	}
	if err := b.remember(v.signed, v.at); err != nil {
		return err
	}
	return refuse(Finding{Kind: NotConsistent, Known: b.head.Size, Given: v.at.Size})
}

// proofLine is one of proofs.jsonl.
type proofLine struct {
	ID    string         `json:"id"`
	Index int64          `json:"index"`
	Proof translog.Proof `json:"proof"`
}

// Inclusion checks the parcel's inclusion proofs, one on a line, and finds the
// submissions of wanted that are not in the log or not proven to be. Other
// lines are passed over. It comes after Leaves.
func (v *Visit) Inclusion(r io.Reader, wanted []string) ([]Finding, error) {
	v.book.mu.Lock()
	defer v.book.mu.Unlock()
	if err := v.ready(); err != nil {
		return nil, err
	}
	missing := make(map[string]bool, len(wanted))
	for _, id := range wanted {
		missing[id] = true
	}
	if err := v.proven(newLineReader(r, maxProofLine), missing); err != nil {
		return nil, err
	}
	var findings []Finding
	for _, id := range wanted {
		switch _, ok := v.find(id); {
		case !ok:
			findings = append(findings, Finding{Kind: NotInLog, ID: id})
		case missing[id]:
			findings = append(findings, Finding{Kind: NotIncluded, ID: id})
		}
	}
	return findings, nil
}

// proven takes out of missing what a line proves.
func (v *Visit) proven(lines *lineReader, missing map[string]bool) error {
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errLine):
			return refuse(Finding{Kind: ProofUnreadable})
		case err != nil:
			return err
		}
		var p proofLine
		if json.Unmarshal(line, &p) != nil {
			return refuse(Finding{Kind: ProofUnreadable})
		}
		if missing[p.ID] && v.includes(p) {
			delete(missing, p.ID)
		}
	}
}

func (v *Visit) includes(p proofLine) bool {
	number, ok := v.find(p.ID)
	if !ok || number != p.Index {
		return false
	}
	raw, x := v.book.file, v.book.index
	if number >= v.added.base {
		raw, x = v.leaves, v.added
	}
	leaf, err := x.raw(raw, number)
	return err == nil && translog.CheckInclusion(p.Proof, leaf, number, v.at) == nil
}

// find returns the leaf of a submission, of the book or of the visit.
func (v *Visit) find(id string) (int64, bool) {
	if len(id) != idSize {
		return 0, false
	}
	key := submissionID([]byte(id))
	if number, ok := v.book.index.submissions[key]; ok && v.begins == nil {
		return number, true
	}
	number, ok := v.added.submissions[key]
	return number, ok
}
