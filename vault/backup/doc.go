// Package backup is the form of a server's backup: an OpenPGP message to the
// admin's certificate, and in it a plain tar that any tar opens.
//
// What it promises:
//
//   - [Write] streams: the plaintext is in the memory of the process that seals
//     it, a few hundred KiB at a time, and in no file of the server.
//   - What [Extract] accepts is what Write wrote: a backup that was cut off
//     anywhere, or altered, or in another order, is refused, or gives the very
//     same files. So is one with anything else in it.
//   - Extract writes the files that it knows, under names that it knows, into a
//     folder of the caller's; a name in the tar never becomes a path.
//   - No private key is needed on the server, to write or to restore: the admin
//     opens the message elsewhere, with any OpenPGP program, and brings the tar.
//
// What it does not promise:
//
//   - That a backup forgets. It holds the keys that wrapped the envelopes on its
//     day. What is deleted from the vault later lives on in it: sealed to the
//     reviewers, in a message to the admin. Who has that backup, the admin's
//     private key and a reviewer's can read it. Nor can anybody take a
//     submission out of a backup; only the whole backup can be destroyed. So
//     keep backups for as long as the shortest retention allows, and no longer:
//     the retention that a channel announces is true only together with the
//     oldest backup that exists.
//   - That its admin's key stands below the reviewers': with a backup and that
//     key one is the server (its addresses, the key that signs its log) without
//     having been near it. Keep the private key offline, and never on the server.
//   - Who made it. It is encrypted and not signed, and everybody with the
//     admin's certificate can make one. What no stranger can put into it is the
//     server's own key: compare the vault-key that restoring prints with the one
//     that the desks know.
//   - That it is the newest one. Desks that have seen more of the log than a
//     restored backup holds say so (package journalist-ui/witness).
//   - That it can be told from a forgery by the desks alone. Who restores it
//     appends a leaf that says so ([sourdine/vault.Vault.NoteRestored]), at the
//     place of the first that is lost; every desk that saw that one finds it out,
//     and goes on when the admin and its reviewer compare the leaf's mark by
//     voice. A copy that runs without this leaf is another log for them, for good.
//
// That is also why the old server must never run again beside the restored one.
//
// FORMAT.md beside this file describes every byte that is not described elsewhere.
package backup
