package parcel

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// originPrefix begins the name under which a vault signs; what follows is
// random, so that two vaults' keys are not confused.
const originPrefix = "sourdine/vault/"

// NewVaultKey makes a vault's Ed25519 signing key in the note package's
// encodings: secret for the server's home, public for the desks to pin.
func NewVaultKey() (secret, public string, err error) {
	var name [4]byte
	rand.Read(name[:])
	secret, public, err = note.GenerateKey(rand.Reader, originPrefix+hex.EncodeToString(name[:]))
	if err != nil {
		return "", "", fmt.Errorf("failed to generate the vault's key: %w", err)
	}
	return secret, public, nil
}
