package parcel

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// PublicKey returns the public key that belongs to a vault's secret key, both
// in the note package's encodings ("PRIVATE+KEY+name+hash+base64").
func PublicKey(secret string) (string, error) { return publicKey(secret) }

func publicKey(secret string) (string, error) {
	damaged := errors.New("the vault's key is damaged")
	fields := strings.Split(strings.TrimSpace(secret), "+")
	if len(fields) < 5 {
		return "", damaged
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(fields[4:], "+"))
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", damaged
	}
	public := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	key, err := note.NewEd25519VerifierKey(fields[2], public)
	if err != nil {
		return "", damaged
	}
	return key, nil
}
