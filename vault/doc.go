// Package vault keeps sealed submissions in a bbolt file, and the keys that wrap
// their envelopes in a file of slots beside it (package slots).
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
//   - Every submission, deletion, roster and policy has a leaf, written in the
//     transaction that makes it; [Vault.Batch] moves leaves into the log in
//     random order, and none ever leaves it (promise 4).
//   - [Vault.Apply] makes all of a set of changes, or none.
//   - When [Vault.Delete] or Apply returns nil, what was deleted cannot be opened
//     any more: not with every reviewer's private key and all that was ever in
//     the vault's file, because the key in its slot is overwritten, and so
//     is that of each envelope whose change failed. After a
//     crash, or when the disk refused, it is invisible, and the next [Open] or
//     [Vault.Finish] ends the work; [Vault.Unfinished] tells of it. Package slots
//     says what a disk may still keep.
//   - Who reads what is deleted meanwhile gets an error. So does who reads a
//     value in which a bit has flipped, or that the disk cannot read: it wraps
//     [ErrDamaged]. Other submissions are read as ever.
//   - Where there is no room nothing is changed, and when there is some again the
//     next change is made ([ErrFull]). After a write of unknown outcome nothing is
//     changed before the vault was opened anew ([ErrFailed]).
//   - Nothing is reported as kept in files that are not at their place any more
//     ([ErrGone]).
//   - A page that the disk cannot read fails what needs it, and nothing else; but
//     a vault that was not closed does not open with one of the pages that lead to
//     others; and a disk that is full as well may end the program, because bbolt
//     then reads them all.
//   - It stores ciphertext and, per submission, a random id, the day, the
//     channel, the roster's epoch, who acknowledged it, and whether it was opened
//     (promise 5). It never sees a key or a plaintext, and cannot tell whether
//     what it is given is sealed.
//   - One goroutine writes: chunks of all drafts share transactions, so an
//     upload of an hour holds none open and a hundred uploads cost few fsyncs.
//   - Reads are short transactions, chunk by chunk; they never block a write for
//     longer than a chunk takes to copy.
//   - A vault that was closed opens in a time that its size hardly matters to.
//   - [Verify] finds one flipped byte anywhere in the files of a vault that was
//     closed, and says which submissions suffer from it. Its deleted ones are gone
//     from the file.
//
// What it does not promise: that the order in which bbolt allocates pages tells
// nothing about the order of arrival; that the bytes of what was deleted are
// gone from the file before [Vault.Compact] or [Vault.Close], or from the disk after; that who
// can write the files is found out (the desks find out, by the log).
//
// FORMAT.md beside this file describes every bucket and value.
package vault
