package desk

import (
	"crypto/sha256"
	"strings"

	"github.com/tyler-smith/go-bip39/wordlists"
)

// keyWords is how many words a key or a checkpoint is told in: 132 bits of
// SHA-256, so that nobody can make another one with the same words.
const keyWords = 12

// Words tells a text in twelve words, for two people to compare by voice: the
// first 132 bits of its SHA-256, eleven a word, in the BIP-39 list of a language,
// French or else English.
func Words(text, language string) []string {
	list := wordlists.English
	if language == "fr" || strings.HasPrefix(language, "fr-") {
		list = wordlists.French
	}
	digest := sha256.Sum256([]byte(text))
	words := make([]string, keyWords)
	for n := range words {
		index := 0
		for bit := 11 * n; bit < 11*(n+1); bit++ {
			index = index<<1 | int(digest[bit/8]>>(7-bit%8)&1)
		}
		words[n] = list[index]
	}
	return words
}

// CheckpointWords tells the head of the log in words: equal at two desks that
// have seen equally many leaves of one log. Who else signed the checkpoint
// does not matter.
func CheckpointWords(head LogHead, language string) []string {
	text, _, _ := strings.Cut(string(head.Checkpoint), "\n\n")
	return Words(text, language)
}
