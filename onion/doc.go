// Package onion puts web sites on unix sockets behind v3 onion addresses.
//
// It starts a tor of its own, or attaches to a running one, and publishes
// services whose keys its caller keeps. What it promises:
//
//   - Nothing is announced before Publish, and a service that requires clients
//     is never announced without one: every doubt ends in "not reachable",
//     never in "open to all".
//   - A service lives as long as this process and its control connection.
//     Nothing is detached, tor keeps no service key on disk, and a tor that
//     Start started dies with us, even on kill -9.
//   - No TCP port is opened: tor reaches the sites, and we reach our tor,
//     through unix sockets.
//   - A client that was removed is out at once, also when it is connected.
//   - No key is written to a log or an error.
//
// What it does not promise: that visitors get through (WaitUploaded says that
// the descriptor is out, no more), or that a change of clients goes unnoticed
// by those who are connected (see SetClients).
//
// # Service key file
//
// ServiceKey.Marshal writes one line, in the form in which tor itself hands out
// and takes onion keys (control-spec, ADD_ONION):
//
//	ED25519-V3:<88 characters of base64, standard alphabet, padded>\n
//
// The 64 bytes are the expanded ed25519 secret key (RFC 8032, section 5.1.5):
// the clamped scalar and the prefix, little endian. The same 64 bytes follow
// the 32-byte header of tor's hs_ed25519_secret_key, so that an address can be
// brought along from another program and taken elsewhere.
package onion
