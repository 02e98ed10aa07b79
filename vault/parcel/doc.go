// Package parcel writes and reads the file that is carried on a USB stick
// between the server and a desk.
//
// An outbound parcel (server to desk) is a plain tar:
//
//	parcel.note                     who packed it: a signed note over the index
//	index.json                      every other file: its size and SHA-256
//	submissions/ID/envelope.pgp     PKESK packets
//	submissions/ID/0.pgp            the manifest's payload
//	submissions/ID/1.pgp …          the items' payloads
//
// What it promises:
//
//   - A [Reader] gives out no byte of the index before the signature is verified;
//     no file whose bytes differ from the signed index ends without an error; and
//     who unpacks an accepted parcel with tar gets the same files and no others.
//   - Payloads pass through in a few MiB of memory, however large they are; an
//     index takes at most some ten times its own size, of 64 MiB at the most.
//   - The texts of its errors are its own: nothing from a parcel stands in them
//     but an id, a version or a first line that has the right form.
//   - The same vault gives the same bytes.
//   - What does not fit into one index goes into the next parcel ([WriteAfter],
//     [Parts]): no number of submissions keeps another from being carried.
//
// What it does not promise, yet: that the parcel holds everything the vault
// ever accepted (promise 4 needs the log's proofs, which version 1 lacks), and
// the way back, from desk to server.
//
// FORMAT.md beside this file is enough to write another reader from.
package parcel
