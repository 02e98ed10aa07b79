package parcel

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sourdine/vault/translog"
)

// originPrefix begins the name under which a vault signs; what follows is
// random, so that two vaults' keys are not confused.
const originPrefix = "sourdine/vault/"

var errKey = errors.New("the vault's key is damaged")

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

// CheckVaultKey refuses what cannot be the public key that a parcel names: any
// other form than that of [NewVaultKey], and a hash that is not the key's.
func CheckVaultKey(public string) error {
	if _, err := translog.Origin(public); err != nil {
		return errKey
	}
	return nil
}

// PublicKey returns the public key that belongs to a vault's secret key, both
// in the note package's encodings ("PRIVATE+KEY+name+hash+base64").
func PublicKey(secret string) (string, error) {
	fields := strings.SplitN(strings.TrimSpace(secret), "+", 5)
	if len(fields) < 5 {
		return "", errKey
	}
	raw, err := base64.StdEncoding.DecodeString(fields[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", errKey
	}
	public := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	key, err := note.NewEd25519VerifierKey(fields[2], public)
	if err != nil || CheckVaultKey(key) != nil {
		return "", errKey
	}
	return key, nil
}
