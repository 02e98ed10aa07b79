package order

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Sign signs return.json or deletions.json as its reviewer, and returns the
// content of the file with .asc behind its name. reviewer is the reviewer's whole
// key, of which the part that signs is unlocked (else [ErrLocked]); it may be a
// smartcard's (a crypto.Signer). [Return.Sign] signs all of an order.
//
// The signature tells the day and no more of the time: it is dated to midnight
// UTC, or to the making of the key when that was later.
func Sign(raw []byte, reviewer *openpgp.Entity, now time.Time) ([]byte, error) {
	f, signs, err := decodeEither(raw)
	switch {
	case err != nil:
		return nil, err
	case signs != fingerprint(reviewer):
		return nil, ErrOtherKey
	}
	key, ok := reviewer.SigningKey(now, config(now))
	switch {
	case !ok:
		return nil, whyNot(reviewer, now)
	case key.PrivateKey == nil || key.PrivateKey.Dummy():
		return nil, errors.New("the reviewer's key has no private part that signs")
	case key.PrivateKey.Encrypted:
		return nil, ErrLocked
	}
	c := config(signingTime(key, now))
	c.SigningKeyId = key.PublicKey.KeyId
	var binary bytes.Buffer
	if err := openpgp.DetachSign(&binary, []*openpgp.Entity{reviewer}, bytes.NewReader(raw), c); err != nil {
		return nil, fmt.Errorf("failed to sign an order: %w", err)
	}
	signature, err := enarmor(binary.Bytes(), key.PublicKey.Version)
	if err != nil {
		return nil, err
	}
	return signature, verifyOwn(f, raw, signature, reviewer, now)
}

// decodeEither returns who is to sign.
func decodeEither(raw []byte) (f form, reviewer string, err error) {
	if d, err := DecodeDeletions(raw); err == nil {
		return deletionsForm, d.Reviewer, nil
	}
	r, err := Decode(raw)
	if err != nil {
		return f, "", err
	}
	return returnForm, r.Reviewer, nil
}

func whyNot(reviewer *openpgp.Entity, now time.Time) error {
	if made := reviewer.PrimaryKey.CreationTime; made.After(now) {
		return fmt.Errorf("the reviewer's key is valid only from %s UTC: check the clock of this machine", made.UTC().Format(time.DateTime))
	}
	if _, err := reviewer.VerifyPrimaryKey(now, config(now)); err != nil {
		return keyRefusal(err)
	}
	return errUnfit
}

// signingTime is the last midnight, or the first moment after it at which the
// key was good: a signature must not be older than what vouches for its key.
func signingTime(key openpgp.Key, now time.Time) time.Time {
	at := now.UTC().Truncate(24 * time.Hour)
	made := []time.Time{key.Entity.PrimaryKey.CreationTime, key.PublicKey.CreationTime}
	for _, sig := range []*packet.Signature{key.PrimarySelfSignature, key.SelfSignature} {
		made = append(made, sig.CreationTime)
		if sig.EmbeddedSignature != nil {
			made = append(made, sig.EmbeddedSignature.CreationTime)
		}
	}
	for _, m := range made {
		if m.After(at) {
			at = m
		}
	}
	return at
}

// verifyOwn keeps a desk from carrying what the server would refuse.
func verifyOwn(f form, raw, signature []byte, reviewer *openpgp.Entity, now time.Time) error {
	var certificate bytes.Buffer
	if err := reviewer.Serialize(&certificate); err != nil {
		return fmt.Errorf("failed to write the certificate: %w", err)
	}
	if err := verify(f, raw, signature, certificate.Bytes(), now); err != nil {
		return fmt.Errorf("the new signature does not hold: %w", err)
	}
	return nil
}
