package order

import (
	"errors"
	"fmt"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
)

// Errors that callers branch on: each asks something else of people.
var (
	// ErrOtherVault: the order is for another server than this one.
	ErrOtherVault = errors.New("the return parcel is meant for another server")
	// ErrOtherKey: the signature is by another key than the named reviewer's.
	ErrOtherKey = errors.New("the order is signed by another key than that of the reviewer whom it names")
	// ErrAltered: the signature is over other bytes.
	ErrAltered = errors.New("an order or its signature was altered: they do not belong together")
	// ErrKeyExpired: the reviewer's key has expired.
	ErrKeyExpired = errors.New("the reviewer's key has expired")
	// ErrKeyRevoked: the reviewer's key is revoked.
	ErrKeyRevoked = errors.New("the reviewer's key is revoked")
	// ErrLocked: [Sign] was given a key that is still locked.
	ErrLocked = errors.New("the reviewer's key is locked")
)

var (
	errEntry       = errors.New("an entry of an order is not in its form")
	errArmor       = errors.New("the signature of an order is not an armored OpenPGP signature")
	errSeveral     = errors.New("an order has more than one signature")
	errTrailing    = errors.New("there is more than a signature beside an order")
	errDamaged     = errors.New("the signature of an order is damaged, or of a version that this program does not know")
	errTextMode    = errors.New("the signature of an order is one over text, where lines may end otherwise: sign it as binary")
	errKind        = errors.New("the signature of an order is not one over a document")
	errWeakHash    = errors.New("the signature of an order uses a weak hash: take SHA-256, SHA-512 or SHA-3")
	errCritical    = errors.New("the signature of an order demands something that this program does not know")
	errSigExpired  = errors.New("the signature of an order has expired")
	errOlder       = errors.New("the signature of an order is dated before the key that made it: check the clock of the desk")
	errUnfit       = errors.New("the reviewer's key may not sign, or is too weak: RSA needs 3072 bits, and DSA is outdated")
	errCertificate = errors.New("the reviewer's certificate is not one that this program understands")
)

func errFuture(dated time.Time) error {
	return fmt.Errorf("the signature of an order is dated %s, in the future: check the clocks of desk and server", dated.UTC().Format(time.DateOnly))
}

// keyRefusal says what is wrong with a key. go-crypto's own words may quote it.
func keyRefusal(err error) error {
	switch {
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return ErrKeyRevoked
	case errors.Is(err, pgperrors.ErrKeyExpired), errors.Is(err, pgperrors.ErrSignatureExpired):
		return ErrKeyExpired
	}
	return errUnfit
}

// refusal says what is wrong with a signature whose key is sound.
func refusal(err error) error {
	switch {
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		return errSigExpired
	case errors.Is(err, pgperrors.ErrSignatureOlderThanKey):
		return errOlder
	}
	return ErrAltered
}
