// Package translog is the mathematics of the vault's log: what a leaf says, how
// leaves become a Merkle tree, and how its head is signed and proven.
//
// What it promises:
//
//   - A leaf has one spelling. What [Decode] accepts, [Encode] gives back byte by
//     byte, so a leaf can be kept decoded and still be proven.
//   - A [Checkpoint] that [OpenCheckpoint] returns was signed by the vault's key,
//     under that vault's name, and has one spelling too.
//   - The tree is that of RFC 6962, section 2.1: a proof that a check accepts
//     stands or falls with SHA-256, whoever made it.
//   - A [Frontier] that took every leaf of a log has the root of that log, in
//     2 KiB of memory.
//   - Everything read from outside is bounded in size before it is worked on, and
//     no error repeats what stood in it.
//
// What it does not promise: that a leaf is true (who reads one compares it with
// the submission, the roster or the order), that leaves or hashes are stored (the
// vault does that), and that nobody was shown another log; two desks find that
// out when they compare checkpoints.
//
// FORMAT.md beside this file is enough to write another reader from. Hashes and
// proofs are those of golang.org/x/mod/sumdb/tlog, signatures those of its
// sibling note.
package translog
