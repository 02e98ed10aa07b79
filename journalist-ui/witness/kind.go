package witness

// A Kind is one thing that can be wrong, as a stable word for programs.
type Kind string

// What can be wrong with a checkpoint or with the leaves that come with it. The
// whole visit is refused, as a [Refused] error; nothing of it enters the book.
const (
	Signature       Kind = "signature"        // of the checkpoint
	Rollback        Kind = "rollback"         // Known, Given: sizes
	Fork            Kind = "fork"             // Known, Given: sizes; Leaf: the first that differs, when known
	Restored        Kind = "restored"         // Known, Given: sizes; Leaf: the first that differs; Day, Sum: of the restoration
	OldLog          Kind = "old-log"          // Known, Given: sizes
	OtherLog        Kind = "other-log"        // Known, Given: sizes; Leaf: as for Fork
	Gap             Kind = "gap"              // Known: leaves here; Given: where the parcel's begin
	LeavesTooFew    Kind = "leaves-too-few"   // Known: as signed; Given
	LeavesTooMany   Kind = "leaves-too-many"  // Known: as signed
	LeafChanged     Kind = "leaf-changed"     // Leaf
	LeavesReordered Kind = "leaves-reordered" // Leaf
	LeafUnreadable  Kind = "leaf-unreadable"  // Leaf, Cause
	RootDiffers     Kind = "root-differs"     // Known, Given: sizes
	NotConsistent   Kind = "not-consistent"   // Known, Given: sizes
	ProofUnreadable Kind = "proof-unreadable"
	FileUnnamed     Kind = "file-unnamed" // a roster or an order that no leaf names; Sum
	FileUnreadable  Kind = "file-unreadable"
)

// What can be wrong with the book on this disk.
const (
	BookDamaged Kind = "book-damaged" // Cause
)

// What can be wrong with a submission that came.
const (
	NotInLog            Kind = "not-in-log"
	NotIncluded         Kind = "not-included"
	ChannelDiffers      Kind = "channel-differs"    // Channel: the log's
	DayDiffers          Kind = "day-differs"        // Day: the log's
	EpochEarlier        Kind = "epoch-earlier"      // Epoch: the log's
	PayloadMissing      Kind = "payload-missing"    // Item
	PayloadAdded        Kind = "payload-added"      // Item
	PayloadDiffers      Kind = "payload-differs"    // Item
	PayloadOfAnother    Kind = "payload-of-another" // Item
	PayloadsSwapped     Kind = "payloads-swapped"
	EnvelopeUnreadable  Kind = "envelope-unreadable"
	RecipientAdded      Kind = "recipient-added"       // KeyID or Key
	RecipientHidden     Kind = "recipient-hidden"      //
	RecipientTwice      Kind = "recipient-twice"       // Name, Fingerprint
	RecipientMissing    Kind = "recipient-missing"     // Name, Fingerprint
	RecipientExpired    Kind = "recipient-expired"     // Name, Fingerprint; a notice
	RosterUnknown       Kind = "roster-unknown"        // Channel, Epoch
	RosterFileMissing   Kind = "roster-file-missing"   // Channel, Epoch
	RosterFileDiffers   Kind = "roster-file-differs"   // Channel, Epoch
	RosterMembersDiffer Kind = "roster-members-differ" // Channel, Epoch
	CertificateDiffers  Kind = "certificate-differs"   // Channel, Epoch, Name, Fingerprint
	BeforeRestore       Kind = "before-restore"        // a notice: its leaf was lost when the vault was restored
)

// What can be wrong in the log itself, although the vault signed it.
const (
	SubmissionTwice   Kind = "submission-twice" // Leaf
	DeletionTwice     Kind = "deletion-twice"   // Leaf
	DeletionOfNothing Kind = "deletion-of-nothing"
	DeletionChannel   Kind = "deletion-channel"     // Channel: the submission's
	DeletionBackdated Kind = "deletion-backdated"   // Day: of the deletion
	LeafBackdated     Kind = "leaf-backdated"       // Leaf, Day: of the first; Known: how many; once for each day seen
	LeafAhead         Kind = "leaf-ahead"           // Leaf, Day: of the first; Known: how many
	RecipientsDiffer  Kind = "recipients-differ"    // Channel, Epoch
	RosterSkipped     Kind = "roster-epoch-skipped" // Channel, Epoch: the one that is not there
	RosterTwice       Kind = "roster-twice"         // Channel, Epoch
)

// What can be wrong with what did not come.
const (
	Dropped     Kind = "dropped"
	PartSkipped Kind = "part-skipped" // it belongs to a part before the one that came
	Awaited     Kind = "awaited"      // a notice: it belongs to a part that follows
	Withheld    Kind = "withheld"     // a notice: the reviewer is not on the channel's roster any more

	OtherReviewer Kind = "other-reviewer" // a notice: the parcel is for somebody else

	LostInRestore Kind = "lost-in-restore" // Channel, Day; the vault lost it when it was restored

	OrderMissing     Kind = "order-missing"      // Name, Fingerprint: of whom the log names; Sum
	OrderSignature   Kind = "order-signature"    // Name, Fingerprint, Sum, Cause
	OrderOtherSigner Kind = "order-other-signer" // Fingerprint: of whom the log names; Sum
	OrderNotAllowed  Kind = "order-not-allowed"  // Fingerprint, Sum
	OrderOtherVault  Kind = "order-other-vault"  // Fingerprint, Sum
	OrderElsewhere   Kind = "order-elsewhere"    // Fingerprint, Sum

	RetentionNone           Kind = "retention-none"           // Channel, Day
	RetentionEarly          Kind = "retention-early"          // Channel, Day; Known: days of the policy; Given: days that passed
	RetentionUnacknowledged Kind = "retention-unacknowledged" // Channel, Day
	LimitNone               Kind = "limit-none"               // Channel, Day
	LimitEarly              Kind = "limit-early"              // Channel, Day; Known, Given as for RetentionEarly
)

// Refuses is true of what keeps a parcel's log out of the book: what that log said
// of its submissions nobody can tell afterwards.
func (k Kind) Refuses() bool {
	switch k {
	case Signature, Rollback, Fork, Restored, OldLog, OtherLog, Gap, LeavesTooFew, LeavesTooMany, LeafChanged, LeavesReordered,
		LeafUnreadable, RootDiffers, NotConsistent, ProofUnreadable:
		return true
	}
	return false
}

// Notice is true of what a person should know of, and need not act upon.
func (k Kind) Notice() bool {
	return k == RecipientExpired || k == Awaited || k == Withheld || k == OtherReviewer || k == BeforeRestore
}

// Sentence says in English what is wrong, and what to do: a line each, for
// terminals, lower case and without a period. Neither names the submission or
// other data of a finding.
func (k Kind) Sentence() (says, hint string) {
	s, ok := sentences()[k]
	if !ok {
		return "the log shows something that this program has no words for", "look for a newer version of this program"
	}
	return s.says, s.hint
}

// Kinds lists all kinds, for catalogues and tests.
func Kinds() []Kind {
	all := make([]Kind, 0, len(sentences()))
	for k := range sentences() {
		all = append(all, k)
	}
	return all
}
