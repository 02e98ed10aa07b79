// Package casebook is the desk's memory: the submissions that were imported,
// the records of the documentary base, and the exhibits attached to them. It is
// one SQLite file, encrypted.
//
// What it promises:
//
//   - Every byte it writes to a disk is encrypted with the key the caller gives,
//     from the first one: the file, its rollback journal, nothing else. No
//     temporary file, no log, no error carries a text of a source or the key.
//   - A change is acknowledged when it is on stable storage: a crash at any
//     instant loses nothing that was acknowledged and leaves nothing half-made.
//   - The journal is append-only and complete. All else in the file is a
//     projection of it: [Casebook.Rebuild] makes it anew, to the same result.
//   - A page of the file that was damaged or altered is reported, never shown as
//     if it were whole.
//   - Several processes may use one casebook at once; writers take turns.
//   - Texts of a source are only ever stored, compared and given back as they
//     are. A name is never a path here, a search never a query language.
//
// What it does not promise: to hide, from someone who copies the file twice,
// which of its 4 KiB blocks changed in between (the encryption is
// deterministic); to notice that the whole file, or a block of it, was put back
// to an earlier state; to keep the text in memory from whoever can read the
// memory of the desk.
//
// FORMAT.md beside this file describes the file, the journal and how to open
// both without this program.
package casebook
