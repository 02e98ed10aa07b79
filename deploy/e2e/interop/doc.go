// Package interop shows that what Sourdine seals is opened by programs that are
// not ours (promise 9): openpgp.js, GnuPG, Sequoia, and, for the parcel, tar,
// OpenSSL, jq and the shell, with the very commands that vault/parcel/FORMAT.md
// prints.
//
// It holds no code but tests. They need node, npm, gpg, sq, openssl and jq, and
// the tag e2e:
//
//	go test -tags e2e ./deploy/e2e/interop
//
// openpgp.js is installed once, through npm, into var/npm of the checkout.
package interop
