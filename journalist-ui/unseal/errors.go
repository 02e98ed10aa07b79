package unseal

import (
	"errors"
	"fmt"
)

var (
	// ErrNotForKey: the envelope names other recipients than this key.
	ErrNotForKey = errors.New("it is not sealed to this key")
	// ErrDamaged: the envelope or the payload was cut off or altered, they do
	// not belong together, or they are not what package seal makes.
	ErrDamaged = errors.New("it is damaged or cut off")
)

// damaged adds the place, never a word of OpenPGP's own errors: those may quote
// bytes that only decryption produced.
func damaged(where string) error { return fmt.Errorf("%s: %w", where, ErrDamaged) }
