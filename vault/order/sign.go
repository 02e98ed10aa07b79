package order

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Sign signs return.json as its reviewer and returns return.json.asc. reviewer is
// the reviewer's whole key, of which the part that signs is unlocked (else
// [ErrLocked]); it may be a smartcard's (a crypto.Signer).
//
// The signature tells the day and no more of the time: it is dated to midnight
// UTC, or to the making of the key when that was later.
func Sign(raw []byte, reviewer *openpgp.Entity, now time.Time) ([]byte, error) {
	o, err := Decode(raw)
	switch {
	case err != nil:
		return nil, err
	case o.Reviewer != fingerprint(reviewer):
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
	return signature, verifyOwn(raw, signature, reviewer, now)
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
func verifyOwn(raw, signature []byte, reviewer *openpgp.Entity, now time.Time) error {
	var certificate bytes.Buffer
	if err := reviewer.Serialize(&certificate); err != nil {
		return fmt.Errorf("failed to write the certificate: %w", err)
	}
	if _, err := Verify(raw, signature, certificate.Bytes(), now); err != nil {
		return fmt.Errorf("the new signature does not hold: %w", err)
	}
	return nil
}
