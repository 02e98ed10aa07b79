package desk

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"sourdine/journalist-ui/visible"
)

const (
	// MinPassphrase is the shortest passphrase, in characters.
	MinPassphrase = 12
	// MaxPassphrase is the longest one, in bytes.
	MaxPassphrase = 1 << 10
)

// checkPassphrase says why a passphrase may not lock a key. That it has enough
// characters does not make it a good one; that it has fewer makes it a bad one.
func checkPassphrase(passphrase []byte) error {
	switch {
	case !utf8.Valid(passphrase):
		return fmt.Errorf("%w: it is not UTF-8 text", ErrWeakPassphrase)
	case utf8.RuneCount(normalized(passphrase)) < MinPassphrase:
		return fmt.Errorf("%w: it needs at least %d characters, five words or more are a good choice", ErrWeakPassphrase, MinPassphrase)
	case len(passphrase) > MaxPassphrase:
		return fmt.Errorf("%w: it is longer than %d bytes", ErrWeakPassphrase, MaxPassphrase)
	}
	for _, r := range string(passphrase) {
		if unicode.IsControl(r) || !visible.Is(string(r)) {
			return fmt.Errorf("%w: it holds a character that cannot be seen or typed, perhaps the mark that some editors put first", ErrWeakPassphrase)
		}
	}
	return nil
}

// normalized spells accents in one way (Unicode NFC): the same passphrase typed
// on two systems need not be the same bytes.
func normalized(passphrase []byte) []byte { return norm.NFC.Bytes(passphrase) }
