// Package vault keeps sealed submissions in one bbolt file.
//
// A submission grows as a [Draft]: the payloads of its items arrive in chunks
// while the source uploads, and become visible, all at once, when
// [Draft.Commit] returns.
//
// What it promises:
//
//   - Commit returns nil only after everything of the submission is on stable
//     storage (one fsynced transaction). A crash at any instant loses nothing
//     that was committed and shows nothing that was not (promise 3).
//   - It stores ciphertext and, per submission, a random id, the day, the
//     channel and the roster's epoch (promise 5). It never sees a key or a
//     plaintext, and cannot tell whether what it is given is sealed.
//   - One goroutine writes: chunks of all drafts share transactions, so an
//     upload of an hour holds none open and a hundred uploads cost few fsyncs.
//   - Reads are short transactions, chunk by chunk; they never block a write for
//     longer than a chunk takes to copy.
//
// What it does not promise: that the order in which bbolt allocates pages tells
// nothing about the order of arrival; that deleted bytes are gone from the disk.
//
// FORMAT.md beside this file describes every bucket and value.
package vault
