// Package unseal opens what package seal closed, with a reviewer's key, and
// does nothing else. It runs at the desk only: no program of the server may
// import it.
//
// What it promises:
//
//   - A plaintext ends with io.EOF only when the payload was whole and
//     authentic: the last authentication tag held, the packets ended where
//     their lengths say, and nothing came after them.
//   - It reads as a stream. Memory stays below two AEAD chunks (of 64 KiB as
//     package seal writes them, of 4 MiB at the very most) and a buffer.
//   - It takes nothing but what package seal makes: PKESK packets and one SEIPD
//     packet, AES-256, one Literal packet, Padding packets. Compressed, signed,
//     nested and passphrase-encrypted messages are refused, and so is a session
//     key of one packet version used in the other (RFC 9580, section 5.1).
//
// What it does not promise: that what was read before an error is authentic.
// SEIPDv1 has its one checksum at the end; SEIPDv2 authenticates chunk by chunk
// but finds a cut only at the end. Who reads must throw away all of it unless
// io.EOF came. It does not say who sealed: anyone can, sources have no names.
//
// Specification: RFC 9580.
package unseal
