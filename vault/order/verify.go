package order

import (
	"bytes"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// clockSlack is by how much a desk's clock may be ahead. The date of a
// signature protects nothing here, the sequence does; but a desk that is a year
// ahead makes its keys expire, and should be told.
const clockSlack = 24 * time.Hour

// Verify verifies signature, the content of return.json.asc, over raw, that of
// return.json, and only then decodes raw. certificate is the OpenPGP certificate
// of the reviewer whom raw names ([Names]), armored or binary; its key must be
// good at the time now and at that of the signature.
//
// It asks of the certificate what signing needs; whether it can encrypt was
// asked when it joined a roster.
func Verify(raw, signature, certificate []byte, now time.Time) (*Return, error) {
	if err := verify(returnForm, raw, signature, certificate, now); err != nil {
		return nil, err
	}
	return Decode(raw)
}

// VerifyDeletions is [Verify] for deletions.json and deletions.json.asc. Who
// verifies those of earlier, for a deletion of the log, gives the end of the
// deletion's day.
func VerifyDeletions(raw, signature, certificate []byte, now time.Time) (*Deletions, error) {
	if err := verify(deletionsForm, raw, signature, certificate, now); err != nil {
		return nil, err
	}
	return DecodeDeletions(raw)
}

func verify(f form, raw, signature, certificate []byte, now time.Time) error {
	_, reviewer, err := f.names(raw)
	if err != nil {
		return err
	}
	binary, err := dearmor(signature)
	if err != nil {
		return err
	}
	sig, err := readSignature(binary)
	if err != nil {
		return err
	}
	if sig.CreationTime.After(now.Add(clockSlack)) {
		return errFuture(sig.CreationTime)
	}
	if sig.CreationTime.After(now) {
		now = sig.CreationTime
	}
	for _, at := range []time.Time{now, sig.CreationTime} {
		entity, err := readCertificate(certificate, reviewer)
		if err != nil {
			return err
		}
		if err := checkKey(entity, sig, at); err != nil {
			return err
		}
	}
	return verifyBytes(raw, binary, certificate, reviewer, now)
}

func verifyBytes(raw, binary, certificate []byte, reviewer string, now time.Time) error {
	entity, err := readCertificate(certificate, reviewer)
	if err != nil {
		return err
	}
	var sig *packet.Signature
	sig, _, err = openpgp.VerifyDetachedSignature(openpgp.EntityList{entity}, bytes.NewReader(raw), bytes.NewReader(binary), config(now))
	switch {
	case err != nil:
		return refusal(err)
	case sig == nil:
		return ErrAltered
	}
	return nil
}
