// Package interop shows that what Sourdine seals is opened, and what it signs is
// verified, by programs that are not ours (promise 9), and that it takes what they
// sign: openpgp.js, GnuPG, Sequoia, and, for parcels in both directions and the
// log, tar, OpenSSL, jq, Python and the shell, with the very commands that
// vault/parcel/FORMAT.md and vault/translog/FORMAT.md print.
//
// It holds no code but tests. They need node, npm, gpg, sq, openssl, jq and
// python3, and the tag e2e:
//
//	go test -tags e2e ./deploy/e2e/interop
//
// openpgp.js is installed once, through npm, into var/npm of the checkout.
package interop
