// Package witness is the desk's memory of the vault's log, and all checks that
// hold the vault to it: nothing disappears silently (promise 4).
//
// A [Book] is a folder of the desk's home. An import begins a [Visit] with the
// checkpoint that a parcel brings, gives it the parcel's leaves, rosters and
// orders, and commits it. Then the book answers what the import needs to know of
// each submission ([Book.Check]), which ones did not come ([Book.Missing]), what
// happened meanwhile ([Book.Events]), who reads a channel now
// ([Book.Certificates]), and whether another desk was shown the same
// log ([Book.Compare]).
//
// What it promises:
//
//   - No leaf is believed, or shown by any method, before the leaves up to the
//     checkpoint come out at the root that the vault signed, after all leaves of
//     the checkpoint before it.
//   - Nothing is ever taken out. A checkpoint that contradicts the leaves here is
//     kept as evidence.
//   - A log that goes on from a backup of the vault is taken in only when a person
//     accepted that very restoration. The book then begins a new generation; what
//     it knew before stays, is verified as long as the book is, and vouches for
//     what came then.
//   - A kill at any instant leaves the state before a change or the one after it.
//   - Opening hashes every leaf again: a book that opens is the one that the vault
//     signed.
//   - Each thing that can be wrong has a [Kind] of its own, and its texts say
//     nothing that a parcel holds.
//
// What it does not promise: that a restoration was one: whoever reads the admin's
// twelve words to the reviewer says so. That days are true. They are the vault's word; only
// a leaf is found that is dated before what this desk has seen already, at import, or
// later than tomorrow by this machine's clock.
// Nor that an envelope names whom it opens for: each desk finds that out for
// itself, by opening it. And a fork shows only when two desks compare, or when
// one is shown both sides.
//
// One process at a time may change a book: the desk's import lock sees to that.
// Others may read meanwhile.
//
// FORMAT.md beside this file is enough to write another reader from.
package witness
