// Package slots keeps the keys that wrap the vault's envelopes, in a file of
// fixed places that are overwritten where they lie. It is how a deletion
// deletes: the vault's database, like every copy-on-write store, leaves old
// pages behind; without its slot's key a wrapped envelope is noise, also for
// those who hold every reviewer's private key.
//
// What it promises:
//
//   - After [File.Zero] returned nil, both copies of each key have been
//     overwritten with zeros in the file's own blocks, synced, and read back.
//     Zero may be interrupted at any instant and repeated.
//   - A key that [File.Take] handed out was on stable storage, in both copies,
//     before, and no key is ever handed out twice. So the transaction that
//     uses one needs no sync of this file, and what an interrupted or undone
//     commit left behind in the database shares its key with nothing.
//   - No single damaged page, and no write torn by a power failure, costs a key:
//     the copies lie in different pages, and the first is synced before the
//     second is touched. Before a page is written, damaged copies in it are
//     mended from their good ones.
//   - One flipped byte anywhere in the file is found by [File.Verify].
//   - The keys of deleted submissions are in no variable of this package: keys
//     are read from the file when they are needed.
//   - Slots are handed out in random order within what one refill made (64), so
//     that a slot's number does not tell when a submission came (promise 5).
//     The order of refills can be guessed from the numbers.
//
// What it does not promise:
//
//   - That the disk overwrites. An SSD or memory card writes elsewhere and
//     keeps the old cell until it erases it; who takes the chips apart may find
//     keys that were zeroed. Encrypt the disk beneath.
//   - The same for whatever copies blocks below or beside the file: snapshots (LVM,
//     btrfs, a hosting company's), replication, backups, a file system mounted
//     with data journalling (ext4 data=journal), log-structured or
//     copy-on-write ones. [Create] switches copy-on-write off on btrfs;
//     [File.InPlace] tells what is known of the file system.
//   - Anything about memory: Go may have copied a key that was in use, and the
//     kernel's page cache holds the file's keys, as the file itself does.
//   - Protection against who can write the file: checksums find accidents.
//   - Which slots are in use: the vault knows, and says so to [Open]. What the
//     others hold stays in the file until they are made anew, or zeroed: keys of
//     changes that failed or were interrupted are the vault's to zero
//     ([File.Zero] before [File.Give], [File.Leftovers] after a crash).
//
// One goroutine at a time changes the file and many may read; a lock inside
// [File] sees to it. Readers wait while a change is synced. Whoever copies the
// file, for a backup, must keep changes away meanwhile. It is never truncated,
// renamed or replaced.
//
// FORMAT.md beside this file describes every byte.
package slots
