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
	// EnvelopeUnopened: the envelope names this reviewer, and does not open with their
	// key.
	EnvelopeUnopened witness.Kind = "envelope-unopened"
	// ItemDamaged: a payload is the one that the log has, and does not open: Item.
	ItemDamaged witness.Kind = "item-damaged"
	// ItemDiffers: a payload is the one that the log has, and not what the manifest
	// describes: Item.
	ItemDiffers witness.Kind = "item-differs"
	// StoredDamaged: a file on this disk is missing or not what was imported:
	// Item, or -1 for the envelope.
	StoredDamaged witness.Kind = "stored-damaged"
	// StoredLost: what the desk knows of a submission that lies here is missing or
	// damaged.
	StoredLost witness.Kind = "stored-lost"
	// ReceiptBad: the receipt of a return parcel is not the vault's for this
	// reviewer: Cause.
	ReceiptBad witness.Kind = "receipt-bad"
	// ReceiptForeign: the server answered, by a receipt that is the vault's, an order
	// of this reviewer's that this desk never signed: Given, its sequence; Sum, the order.
	ReceiptForeign witness.Kind = "receipt-foreign"
)

func sentences() map[witness.Kind][2]string {
	return map[witness.Kind][2]string{
		PayloadCut: {"one of its files was cut off or altered after the vault accepted it",
			"do not rely on that file, and fetch the parcel again"},
		EnvelopeUnopened: {"its envelope names you and does not open with your key",
			"ask the other reviewers whether it opens for them: one of them can seal it anew; tell the admin"},
		ItemDamaged: {"one of its files does not open: it was cut off or altered before the vault logged it",
			"it cannot be shown or saved, and no other parcel will change that: tell the admin"},
		ItemDiffers: {"one of its files is not the one that its manifest describes: it was exchanged before the vault logged it",
			"it cannot be shown or saved, and no other parcel will change that: tell the admin"},
		StoredDamaged: {"one of its files on this disk is missing or damaged", "importing a parcel that has it mends it"},
		StoredLost:    {"what this desk keeps of it on its disk is missing or damaged", "importing a parcel that has it mends it"},
		ReceiptBad:    {"the parcel brings a receipt for your return parcel that is not the vault's", "it was left out; tell the admin"},
		ReceiptForeign: {"the server answered a return parcel in your name that this desk never signed",
			"if no copy of this home is in use or was restored, somebody else has your key: let the admin take it off the channels at once, and tell the other reviewers"},
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

func hasKind(findings []witness.Finding, kind witness.Kind) bool {
	return slices.ContainsFunc(findings, func(f witness.Finding) bool { return f.Kind == kind })
}

// AboutItem is true of what is wrong with one file of a submission, which Item is.
func AboutItem(k witness.Kind) bool {
	switch k {
	case witness.PayloadMissing, witness.PayloadAdded, witness.PayloadDiffers, witness.PayloadOfAnother,
		PayloadCut, ItemDamaged, ItemDiffers, StoredDamaged:
		return true
	}
	return false
}

// isOfOpening is true of what only opening a submission tells.
func isOfOpening(k witness.Kind) bool {
	return k == EnvelopeUnopened || k == ItemDamaged || k == ItemDiffers
}
