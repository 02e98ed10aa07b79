// Package parcel writes and reads the files that are carried on a USB stick
// between the server and a desk: outbound parcels, from the server to the desk,
// and return parcels, the way back. Both are plain tars.
//
// An outbound parcel:
//
//	parcel.note                     who packed it: a signed note over the index
//	index.json                      every other file: its size and SHA-256
//	checkpoint                      the head of the vault's log, signed
//	leaves.jsonl                    the log since what the desk has seen
//	proofs.jsonl                    that it only grew, and has each submission
//	rosters/ orders/ applied/       what these leaves name, and receipts
//	submissions/ID/envelope.pgp     PKESK packets
//	submissions/ID/0.pgp            the manifest's payload
//	submissions/ID/1.pgp …          the items' payloads
//
// What it promises:
//
//   - A [Reader] gives out no byte of the index before the signature is verified;
//     no file whose bytes differ from the signed index ends without an error; and
//     who unpacks an accepted parcel with tar gets the same files and no others.
//   - A [Plan] holds what its reader may read and has not acknowledged, as far as
//     the log has it at one size. Each submission that this log accepted for them
//     is in the parcel, or in the parts before and after it, was acknowledged, or
//     its deletion is in the log too: else there is no plan, but [ErrOutdated].
//   - A plan takes about as much memory as its index, of some 16 MiB; reading it
//     takes a few hundred KiB more, from any place on, however large it is.
//     Nothing of it is written to disk.
//   - The same [Request] of the same vault gives the same bytes. What was deleted
//     or sealed anew since the plan was made is an error, never other bytes.
//   - What does not fit into one index, or one stick, goes into the next parcel
//     ([Parts]): no number of submissions keeps another from being carried. Nor
//     does one that the disk cannot read: it is left out, which the server's admin
//     is told ([Plan.Unreadable]), and the desk misses it.
//   - An index is taken in some ten times its own size, of 64 MiB at the most.
//   - The texts of a Reader's errors are its own: nothing from a parcel stands in
//     them but an id, a version or a first line that has the right form.
//
// What it does not promise: that the log is the one that the desk saw before, or
// that envelopes name whom they should. The parcel brings what is needed to find
// out; package witness does it.
//
// A return parcel ([WriteReturn], [ReadReturn]):
//
//	return.json                     what the reviewer orders: package order
//	return.json.asc                 the reviewer's signature over it
//	deletions.json                  what the reviewer orders to delete, if any
//	deletions.json.asc              the reviewer's signature over it
//	replies/N.pgp                   the sealed replies
//	envelopes/ID.pgp                the new envelopes
//
// It promises that nothing of an order is given out before the reviewer's
// signature holds, for the server that reads it; that a file which differs from
// the order ends in an error; and that there is one return parcel, byte by byte,
// for an order, its signature and its files. That the order is allowed, and comes
// in its turn, is for the server to see to: nothing of it may be applied before
// the parcel was read to its end.
//
// FORMAT.md beside this file is enough to write another program from.
package parcel
