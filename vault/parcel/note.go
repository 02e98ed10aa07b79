package parcel

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const firstLine = "sourdine/parcel/v2 outbound"

// anyFirstLine is the form of the first line in all versions and directions.
var anyFirstLine = regexp.MustCompile(`^sourdine/parcel/v[0-9]{1,4} [a-z]{1,16}$`)

// A claim is what a note says: three lines (FORMAT.md, section 2).
type claim struct {
	vaultKey string
	digest   string // of the index, in hexadecimal
}

func (c claim) text() string { return firstLine + "\n" + c.vaultKey + "\n" + c.digest + "\n" }

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// sign binds the index, by its digest, and the public key into a signed note
// (C2SP signed-note).
func sign(digest, secret string) ([]byte, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, errKey
	}
	public, err := PublicKey(secret)
	if err != nil {
		return nil, err
	}
	c := claim{vaultKey: public, digest: digest}
	signed, err := note.Sign(&note.Note{Text: c.text()}, signer)
	if err != nil {
		return nil, fmt.Errorf("failed to sign the parcel: %w", err)
	}
	return signed, nil
}

// parseClaim reads a note before its signature is verified. The key that it
// gives out has the form of a vault's key: callers may print it.
func parseClaim(signed []byte) (claim, error) {
	lines := strings.SplitN(string(signed), "\n", 4)
	if len(lines) < 4 || !anyFirstLine.MatchString(lines[0]) {
		return claim{}, errNotParcel
	}
	if lines[0] != firstLine {
		return claim{}, fmt.Errorf("the parcel is of another kind or version: %q instead of %q", lines[0], firstLine)
	}
	if CheckVaultKey(lines[1]) != nil {
		return claim{}, errors.New("the parcel names a key that is not a vault's")
	}
	return claim{vaultKey: lines[1], digest: lines[2]}, nil
}

// verify checks the note's signature under the key that it names, which the
// caller trusts. Signatures of other keys are ignored, as C2SP signed-note
// wants it; more lines than the claim's are not.
func (c claim) verify(signed []byte) error {
	verifier, err := note.NewVerifier(c.vaultKey)
	if err != nil {
		return ErrSignature
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil || opened.Text != c.text() {
		return ErrSignature
	}
	return nil
}
