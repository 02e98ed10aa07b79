// Package clientkey holds the x25519 keys with which a reviewer reaches an
// onion service that is closed to everyone else (rend-spec-v3, client
// authorisation).
//
// It promises that a key which parses is canonical, that it re-encodes to the
// same characters, and that a public key is not one of the few points with
// which anybody could compute the shared secret: a card carrying such a point
// would open the service to the world.
//
// It does not speak to Tor and stores nothing. Forms are Tor's own: base32
// without padding (RFC 4648), upper case, 52 characters for 32 bytes.
package clientkey
