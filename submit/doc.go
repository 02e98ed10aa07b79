// Package submit is the source's site: a form, sealed while it arrives, a
// receipt, and the mailbox.
//
// What it promises:
//
//   - Plaintext lives only in the memory of the request that seals it
//     (promise 1): multipart bodies are read part by part straight into the
//     sealer; nothing spills to a temporary file.
//   - The receipt is shown only after the vault's commit returned (promise 3). A
//     body that is cut off or refused leaves nothing.
//   - No JavaScript, no cookie, no third party, no session (promise 6): the first
//     page is one request, and everything a later one needs rides in its form.
//   - A channel that deletes what nobody read says so where it is chosen, as the
//     policy is at that moment.
//   - Nothing of a request is ever logged (promise 5): events have fixed names.
//
// What it does not promise, yet: progress while uploading, several languages
// beside French and English, fairness under a flood.
package submit
