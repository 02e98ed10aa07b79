package desk

import (
	"maps"
	"slices"

	"sourdine/journalist-ui/witness"
)

// What can be wrong beside what package witness finds.
const (
	// PayloadCut: a payload is another one than the vault accepted, and does not
	// open: Item.
	PayloadCut witness.Kind = "payload-cut"
	// StoredDamaged: a file on this disk is missing or not what was imported:
	// Item, or -1 for the envelope.
	StoredDamaged witness.Kind = "stored-damaged"
	// StoredLost: what the desk knows of a submission that lies here is missing or
	// damaged.
	StoredLost witness.Kind = "stored-lost"
	// ReceiptBad: the receipt of a return parcel is not the vault's for this
	// reviewer: Cause.
	ReceiptBad witness.Kind = "receipt-bad"
)

func sentences() map[witness.Kind][2]string {
	return map[witness.Kind][2]string{
		PayloadCut: {"one of its files was cut off or altered after the vault accepted it",
			"do not rely on that file, and fetch the parcel again"},
		StoredDamaged: {"one of its files on this disk is missing or damaged", "importing a parcel that has it mends it"},
		StoredLost:    {"what this desk keeps of it on its disk is missing or damaged", "importing a parcel that has it mends it"},
		ReceiptBad:    {"the parcel brings a receipt for your return parcel that is not the vault's", "it was left out; tell the admin"},
	}
}

// Kinds lists all kinds of findings, those of package witness too.
func Kinds() []witness.Kind {
	return append(witness.Kinds(), slices.Sorted(maps.Keys(sentences()))...)
}

// Sentence says in English what is wrong, and what to do, as
// [witness.Kind.Sentence] does.
func Sentence(k witness.Kind) (says, hint string) {
	if s, ok := sentences()[k]; ok {
		return s[0], s[1]
	}
	return k.Sentence()
}

// serious is true when one of the findings is more than a notice.
func serious(findings []witness.Finding) bool {
	return slices.ContainsFunc(findings, func(f witness.Finding) bool { return !f.Kind.Notice() })
}
