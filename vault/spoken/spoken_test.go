package spoken_test

import (
	"slices"
	"testing"

	"github.com/tyler-smith/go-bip39/wordlists"

	"sourdine/vault/spoken"
)

// Eleven bits a word, the first bits first, as BIP-39 counts them.
func TestWords(t *testing.T) {
	// SHA-256 of "abc" begins with ba7816 (FIPS 180-4, example): 10111010011 11000000101 10…
	got := spoken.Words("abc", "en")
	if len(got) != spoken.Count || got[0] != wordlists.English[0b10111010011] || got[1] != wordlists.English[0b11000000101] {
		t.Errorf("%v", got)
	}
	if got := spoken.Words("abc", "fr-CA"); got[0] != wordlists.French[0b10111010011] {
		t.Errorf("%v", got)
	}
}

func TestCheckpointWithoutItsSignatures(t *testing.T) {
	one := spoken.Checkpoint([]byte("origin\n8\nroot\n\n— a sig\n"), "en")
	other := spoken.Checkpoint([]byte("origin\n8\nroot\n\n— b gis\n"), "en")
	grown := spoken.Checkpoint([]byte("origin\n9\nroot\n\n— a sig\n"), "en")
	if !slices.Equal(one, other) || slices.Equal(one, grown) {
		t.Errorf("%v\n%v\n%v", one, other, grown)
	}
}
