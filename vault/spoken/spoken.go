// Package spoken tells a key or a checkpoint in twelve words, for two people to
// compare by voice.
//
// It stands under vault because the server prints what the desk shows. It
// promises that the same text gives the same words on both, in a language, and
// that nobody can make another text with the same words: they carry 132 bits of
// SHA-256. It does not promise that words in two languages can be compared.
package spoken

import (
	"crypto/sha256"
	"strings"

	"github.com/tyler-smith/go-bip39/wordlists"
)

// Count is how many words there are.
const Count = 12

// Words tells a text: the first 132 bits of its SHA-256, eleven a word, in the BIP-39
// list of a language, French or else English.
func Words(text, language string) []string {
	list := wordlists.English
	if language == "fr" || strings.HasPrefix(language, "fr-") {
		list = wordlists.French
	}
	digest := sha256.Sum256([]byte(text))
	words := make([]string, Count)
	for n := range words {
		index := 0
		for bit := 11 * n; bit < 11*(n+1); bit++ {
			index = index<<1 | int(digest[bit/8]>>(7-bit%8)&1)
		}
		words[n] = list[index]
	}
	return words
}

// Checkpoint tells a signed checkpoint (C2SP signed-note) without its
// signatures: equal for any two of equally many leaves of one log.
func Checkpoint(signed []byte, language string) []string {
	text, _, _ := strings.Cut(string(signed), "\n\n")
	return Words(text, language)
}
