// Package card defines the file by which a reviewer's public keys reach the
// admin: the OpenPGP certificate and the Tor client key of the pickup site, as
// JSON that can be read before it is trusted.
//
// It promises that a card holds public parts only, and that Parse refuses what
// is larger than [MaxSize]. It does not promise whose card it is: the admin
// compares the fingerprint with the reviewer, by another way than the card came.
package card

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// Version is the version of the format that Encode writes.
	Version = 1
	// MaxSize is the largest card, in bytes.
	MaxSize = 2 << 20
	// MaxName is the longest name, in characters.
	MaxName = 64
)

// A Card is a reviewer's public parts.
type Card struct {
	Version int    `json:"sourdine_card"`
	Name    string `json:"name"` // by which the admin knows the reviewer; never shown to sources
	// Certificate is the OpenPGP certificate, armored.
	Certificate string `json:"certificate"`
	// ClientKey is the x25519 public key of the reviewer's Tor client, in base
	// 32 without padding, or empty for a reviewer without access to pickup.
	ClientKey string `json:"client_key,omitempty"`
}

// Encode returns the card as indented JSON.
func (c Card) Encode() ([]byte, error) {
	c.Version = Version
	if err := c.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("failed to encode card: %w", err)
	}
	return b.Bytes(), nil
}

// Parse reads a card, or a bare OpenPGP certificate (armored or binary) as the
// card of a reviewer without name and without access to pickup: that is how
// people with GnuPG or a smartcard join.
func Parse(raw []byte) (Card, error) {
	if len(raw) > MaxSize {
		return Card{}, fmt.Errorf("the card is larger than %d bytes", MaxSize)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		if len(raw) == 0 {
			return Card{}, errors.New("the card is empty")
		}
		return Card{Version: Version, Certificate: string(raw)}, nil
	}
	var c Card
	if err := json.Unmarshal(raw, &c); err != nil {
		return Card{}, errors.New("the card is damaged: it is not valid JSON")
	}
	if c.Version != Version {
		return Card{}, fmt.Errorf("the card has version %d, this program knows %d", c.Version, Version)
	}
	return c, c.check()
}

func (c Card) check() error {
	switch {
	case c.Name == "" || strings.TrimSpace(c.Name) != c.Name || utf8.RuneCountInString(c.Name) > MaxName:
		return fmt.Errorf("a card's name has 1 to %d characters, no blank at its ends", MaxName)
	case !utf8.ValidString(c.Name) || strings.ContainsFunc(c.Name, unprintable):
		return errors.New("a card's name has printable characters only")
	case c.Certificate == "":
		return errors.New("the card has no certificate")
	}
	return nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
