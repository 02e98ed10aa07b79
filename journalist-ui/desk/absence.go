package desk

import (
	"fmt"
	"slices"

	"sourdine/journalist-ui/witness"
	"sourdine/vault/parcel"
)

// findMissing looks for what the log has and the server keeps back. A parcel whose
// log was refused says nothing about that; one for somebody else brings the log and
// says nothing of what waits for this reviewer: it clears nothing, and what is new is
// awaited.
func (i *inspection) findMissing() error {
	if i.refused != "" {
		return nil
	}
	x := i.parcel.Index()
	if x.Reviewer != "" && x.Reviewer != i.desk.Fingerprint() {
		i.note(witness.Finding{Kind: witness.OtherReviewer})
	} else {
		i.findings.Part = partOf(x)
		i.findings.Parcels = slices.DeleteFunc(i.findings.Parcels, func(f witness.Finding) bool { return f.Kind == witness.OtherReviewer })
	}
	held, err := i.desk.holdings(i.findings)
	if err != nil {
		return err
	}
	missing, err := i.log.Missing(held)
	if err != nil {
		return fmt.Errorf("failed to look for what is missing: %w", err)
	}
	told := map[witness.Finding]bool{}
	for _, f := range i.findings.Missing {
		told[f] = true
	}
	for _, f := range missing {
		// What is lost for good is told once; it stays among the findings.
		if f.Kind != witness.LostInRestore || !told[f] {
			i.report.Missing = append(i.report.Missing, f)
		}
	}
	stored, err := i.desk.store().ids()
	if err != nil {
		return err
	}
	i.findings.setMissing(missing, setOf(stored))
	return nil
}

// partOf is what a parcel for this reviewer, or for all, has of what waits.
func partOf(x parcel.Index) *witness.Part {
	p := &witness.Part{Size: x.Size, After: x.After, Last: x.After, Left: x.Left}
	if n := len(x.Submissions); n > 0 {
		p.Last = x.Submissions[n-1].ID
	}
	return p
}

// holdings is what the desk tells the log of itself.
func (d *Desk) holdings(f *Findings) (witness.Holdings, error) {
	h, err := d.history()
	if err != nil {
		return witness.Holdings{}, err
	}
	dropped := map[string]bool{}
	for _, one := range f.Missing {
		if one.Kind == witness.Dropped {
			dropped[one.ID] = true
		}
	}
	return witness.Holdings{
		Fingerprint: d.Fingerprint(),
		Here: func(id string) bool {
			_, err := d.store().entry(id)
			return err == nil
		},
		Acknowledged: func(id string) (string, bool) {
			day, ok := h.acknowledged[id]
			return day, ok
		},
		Part:    f.Part,
		Dropped: func(id string) bool { return dropped[id] },
	}, nil
}
