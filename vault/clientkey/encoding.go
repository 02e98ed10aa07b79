package clientkey

import (
	"encoding/base32"
	"errors"
)

// encodedLen is the length of 32 bytes in base32 without padding.
const encodedLen = 52

// errForm never quotes the input: a private key pasted into the wrong field
// must not end up in an error or a log.
var errForm = errors.New("a client key is 52 characters, A to Z and 2 to 7, without spaces")

func encode(b []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

// decode accepts only what encode writes. The 52nd character has four unused
// bits; two spellings of one key would defeat comparison by text.
func decode(s string) ([32]byte, error) {
	var key [32]byte
	if len(s) != encodedLen {
		return key, errForm
	}
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s)
	if err != nil || len(b) != len(key) || encode(b) != s {
		return key, errForm
	}
	copy(key[:], b)
	return key, nil
}
