// Package seal encrypts submissions to a roster with OpenPGP, and does nothing
// else: no package of the server can open what this one closes.
//
// A submission gets one random AES-256 session key. The envelope holds that
// key, encrypted to every member of the roster (PKESK packets, recipients
// named); each item becomes a payload, one SEIPD packet under that key. The
// envelope followed by any payload is an ordinary OpenPGP message:
//
//	envelope = PKESK(member 1) … PKESK(member n)
//	payload  = SEIPD(Literal, Padding)
//
// When the roster changes, [Reseal] makes a new envelope for the same payloads,
// given the session key by a program that could open the old one.
//
// What it promises:
//
//   - A payload is streamed: memory stays below a few hundred KiB per item
//     being sealed, however large the item is.
//   - When every member's certificate supports it (RFC 9580, SEIPDv2) the
//     payload is AES-256 in GCM (or OCB when a member cannot do GCM), and its
//     length tells only a size class: Padmé over the plaintext, from
//     [MinClass] on.
//   - A certificate that is weak, expired, revoked or cannot encrypt is refused
//     when it is read, with the reason, after a test encryption.
//
// What it does not promise:
//
//   - With a v4 certificate in the roster (GnuPG, smartcards) the payload falls
//     back to SEIPDv1: unpadded, slower, not post-quantum. [Roster.Losses] says so.
//   - Go cannot wipe memory: session keys and plaintext stay in the process's
//     memory until it is reused. SECURITY.md has the measurements.
//
// Specifications: RFC 9580; draft-ietf-openpgp-pqc for ML-KEM-768+X25519;
// Padmé from "Reducing Metadata Leakage from Encrypted Files and
// Communication with PURBs" (PETS 2019).
package seal
