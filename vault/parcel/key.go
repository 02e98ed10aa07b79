package parcel

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// originPrefix begins the name under which a vault signs; what follows is
// random, so that two vaults' keys are not confused.
const originPrefix = "sourdine/vault/"

// publicForm is the only spelling of a vault's public key. The note package
// would take others, and any printable or unprintable letter in the name.
var publicForm = regexp.MustCompile(`^` + originPrefix + `[0-9a-f]{8}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$`)

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
	if !publicForm.MatchString(public) {
		return errKey
	}
	if _, err := note.NewVerifier(public); err != nil {
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
	if err != nil || !publicForm.MatchString(key) {
		return "", errKey
	}
	return key, nil
}
