package order

import (
	stdsha256 "crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Signed is what a reviewer signed for one return parcel: its first files.
type Signed struct {
	Return          []byte // return.json
	ReturnSignature []byte // return.json.asc

	Deletions          []byte // deletions.json; nil when nothing is to be deleted
	DeletionsSignature []byte // deletions.json.asc; likewise
}

var (
	errOtherDeletions = errors.New("deletions.json is not the one that return.json names")
	errApart          = errors.New("deletions.json is for another server, of another reviewer or of another number than return.json")
)

// Sign signs the order with these deletions, sorted by id, as [Sign] does; what r
// itself says of deletions does not count.
func (r *Return) Sign(deletions []Deletion, reviewer *openpgp.Entity, now time.Time) (s Signed, err error) {
	o := *r
	o.Deletions = ""
	if len(deletions) > 0 {
		d := Deletions{VaultKey: o.VaultKey, Reviewer: o.Reviewer, Sequence: o.Sequence, List: deletions}
		if s.Deletions, err = d.Encode(); err != nil {
			return Signed{}, err
		}
		if s.DeletionsSignature, err = Sign(s.Deletions, reviewer, now); err != nil {
			return Signed{}, err
		}
		o.Deletions = digestOf(s.Deletions)
	}
	if s.Return, err = o.Encode(); err != nil {
		return Signed{}, err
	}
	if s.ReturnSignature, err = Sign(s.Return, reviewer, now); err != nil {
		return Signed{}, err
	}
	return s, nil
}

// Open decodes both documents, and refuses those that do not belong together. It
// verifies no signature.
func (s Signed) Open() (*Return, []Deletion, error) {
	r, err := Decode(s.Return)
	if err != nil {
		return nil, nil, err
	}
	if r.Deletions == "" && s.Deletions == nil {
		return r, nil, nil
	}
	if err := r.names(s.Deletions); err != nil {
		return nil, nil, err
	}
	d, err := DecodeDeletions(s.Deletions)
	if err == nil {
		err = r.fits(d)
	}
	if err != nil {
		return nil, nil, err
	}
	return r, d.List, nil
}

// Proof is what shows to others that the reviewer ordered the deletions, and
// nothing else of the order: deletions.json, which is one line, a line feed, and
// its signature. The log names it by the SHA-256 of that line. Without deletions
// it is nil.
func (s Signed) Proof() []byte {
	if s.Deletions == nil {
		return nil
	}
	return slices.Concat(s.Deletions, []byte("\n"), s.DeletionsSignature)
}

// VerifyDeletions verifies deletions.json and its signature, as the function of
// that name does, if it is the one that the order names, for the same server,
// reviewer and sequence.
func (r *Return) VerifyDeletions(raw, signature, certificate []byte, now time.Time) ([]Deletion, error) {
	if err := r.names(raw); err != nil {
		return nil, err
	}
	d, err := VerifyDeletions(raw, signature, certificate, now)
	if err != nil {
		return nil, fmt.Errorf("deletions.json: %w", err)
	}
	return d.List, r.fits(d)
}

// names refuses bytes that are not those that the order names, or that are not
// of its server and reviewer, before anything else is understood of them.
func (r *Return) names(deletions []byte) error {
	if digestOf(deletions) != r.Deletions {
		return errOtherDeletions
	}
	vaultKey, reviewer, err := NamesOfDeletions(deletions)
	if err == nil && (vaultKey != r.VaultKey || reviewer != r.Reviewer) {
		err = errApart
	}
	return err
}

// fits keeps deletions of an order from being used again in another one.
func (r *Return) fits(d *Deletions) error {
	if d.Sequence != r.Sequence {
		return errApart
	}
	return nil
}

func digestOf(raw []byte) string {
	sum := stdsha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
