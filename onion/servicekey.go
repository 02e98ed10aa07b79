package onion

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cretz/bine/torutil/ed25519"
)

const keyPrefix = "ED25519-V3:"

// ServiceKey is the private key of an onion service: whoever has it can be the
// service. It prints as the address. The zero value is no key.
type ServiceKey struct {
	expanded [64]byte
}

// NewServiceKey makes a key, and with it an address.
func NewServiceKey() (ServiceKey, error) {
	pair, err := ed25519.GenerateKey(nil)
	if err != nil {
		return ServiceKey{}, fmt.Errorf("making service key: %w", err)
	}
	return ServiceKey{[64]byte(pair.PrivateKey())}, nil
}

// ParseServiceKey reads what Marshal wrote; see the package comment for the
// form. One line break at the end may be missing. Its errors never quote the
// input.
func ParseServiceKey(file []byte) (ServiceKey, error) {
	text := strings.TrimSuffix(string(file), "\n")
	blob, ok := strings.CutPrefix(text, keyPrefix)
	if !ok {
		return ServiceKey{}, errors.New("reading service key: this is no service key file")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(blob)
	if err != nil || len(raw) != 64 || base64.StdEncoding.EncodeToString(raw) != blob {
		return ServiceKey{}, errors.New("reading service key: the file is damaged")
	}
	k := ServiceKey{[64]byte(raw)}
	if err := k.check(); err != nil {
		return ServiceKey{}, fmt.Errorf("reading service key: %w", err)
	}
	return k, nil
}

// check refuses scalars that are not clamped: the zero value, and keys that
// were cut or mixed up, for which tor would compute another address than we.
func (k ServiceKey) check() error {
	if k.expanded[0]&7 != 0 || k.expanded[31]&0xc0 != 0x40 {
		return errors.New("not an expanded ed25519 secret key")
	}
	return nil
}

// Marshal writes the key as a file of one line, to be stored with mode 0600.
func (k ServiceKey) Marshal() []byte { return []byte(k.blob() + "\n") }

func (k ServiceKey) blob() string {
	return keyPrefix + base64.StdEncoding.EncodeToString(k.expanded[:])
}

// Address returns the service's onion address: 56 characters and ".onion". It
// is computed here, without tor.
func (k ServiceKey) Address() string {
	return address([32]byte(ed25519.PrivateKey(k.expanded[:]).PublicKey()))
}

// Format prints the address for every verb of fmt, so that no log can hold the
// secret.
func (k ServiceKey) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "key of "+k.Address())
}
