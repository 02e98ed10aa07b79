// Package desk keeps a reviewer's home on disk: the keys, the pinned key of the
// vault, the sealed submissions that parcels brought, and the casebook.
//
// What it promises:
//
//   - Nothing in the home is readable without the passphrase except public
//     parts: the reviewer's card, the vault's public key, what a parcel tells in
//     the clear (ids, days, channels, sizes, the log, the reviewers), what was found
//     wrong with it, and which submissions were opened, answered or are to be
//     deleted. Sealed submissions and replies stay sealed; they are opened in memory,
//     item by item.
//   - Only [Create] makes a home, and one whose creation was interrupted is not
//     accepted by [Open].
//   - [Desk.Import] shows and stores nothing of a parcel before its signature is
//     verified under the pinned vault key. A submission is stored whole or not at
//     all, whatever instant the machine stops at; importing again goes on from
//     there. It compares what is there with what the vault signed: it replaces
//     files that are missing or damaged, changes no others, and reports a
//     submission of which the vault now says something else.
//   - Before anything of a parcel is believed it is held to the vault's log (package
//     witness): that the log continues what was seen, that each submission is what
//     was accepted and sealed to its roster and nobody else, and that all that was
//     accepted for this reviewer is here, in a part that may still come, or deleted
//     as it may be. And each file is opened to its end, and must be the one that its
//     manifest describes: what cannot be read is not acknowledged. What is wrong is
//     kept among the [Findings]; [Desk.Audit] looks for all of it again.
//   - A log that goes on from a backup of the server is taken in only when the
//     reviewer typed the admin's twelve words ([Desk.AcceptRestored]), if it has lost
//     anything that was seen. What it has lost of the log is told, and vouched for by
//     what this desk remembers; what the server has forgotten of this desk's orders,
//     which the log may not show, is ordered again.
//   - An order to the server is signed once: what its parcel says, byte by byte, does
//     not change until the server answered it ([Desk.PrepareReturn]). While the
//     desk is open the part of the key that signs stays locked.
//   - Who joins a channel can be let read what came before, and nothing is lost by
//     it ([Desk.Renew]): a new envelope opens to the same session key, for exactly
//     the roster that a person was shown. That key never touches the disk.
//   - What fails for one submission stops no other: it is kept, marked with a
//     [Doubt], or refused, and reported.
//   - Nothing becomes an exhibit by [Desk.Attach] that was not read whole and
//     found to be what its manifest describes.
//   - What [Desk.Item] gives out ends with io.EOF only if it is byte for byte what
//     its manifest describes, that is, what the server sealed. After an error of [Desk.Save] no output file remains.
//   - A name that a source chose never becomes a path.
//
// What it does not promise: that the first parcel came from the right vault
// (the reviewer compares the key with the admin); that files which the reviewer
// saved are protected; that a stolen disk hides how much was sent and when, or
// to whom: an envelope names the key of every reviewer whom it was sealed to.
//
// FORMAT.md beside this file describes the home and how to open it with other
// people's tools.
package desk
