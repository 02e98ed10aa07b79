package witness

import (
	"bytes"

	"sourdine/vault"
)

// A Part is what the last parcel for a reviewer said of what waits for them. That
// comes in the order of the ids, in one parcel or in several (vault/parcel/FORMAT.md,
// section 1).
type Part struct {
	Size  int64  `json:"size"`  // of the log that it showed, in leaves
	After string `json:"after"` // the id that its submissions follow, or empty: it began with the first
	Last  string `json:"last"`  // the last id that it listed; After when it listed none
	Left  int    `json:"left"`  // how many follow in further parts
}

// A place is where a submission belongs, as a part has it.
type place int

const (
	inPart     place = iota // among what the part lists: it should be here
	beforePart              // in a part before it
	behindPart              // in a part that follows
	laterThan               // it entered the log when the part was made
)

// place finds out where a submission belongs. Of no part, everything should be
// here.
func (p *Part) place(id string, number int64) place {
	switch {
	case p == nil:
		return inPart
	case number >= p.Size:
		return laterThan
	case p.Last == "" || follows(id, p.Last):
		return behindPart
	case p.After != "" && !follows(id, p.After):
		return beforePart
	}
	return inPart
}

// follows compares ids as parcels order them: as bytes, in which letters do not
// come after digits.
func follows(id, other string) bool {
	a, err1 := vault.ParseID(id)
	b, err2 := vault.ParseID(other)
	return err1 == nil && err2 == nil && bytes.Compare(a[:], b[:]) > 0
}
