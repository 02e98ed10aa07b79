package onion

import (
	"crypto/ed25519"
	"crypto/sha512"
	"strings"
	"testing"
)

// The example addresses of rend-spec-v3, section 6.
var specAddresses = []string{
	"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
	"sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd.onion",
	"xa4r2iadxm55fbnqgwwi5mymqdcofiu3w6rpbtqn7b2dyn7mgwj64jyd.onion",
}

func TestCheckAddress(t *testing.T) {
	for _, a := range specAddresses {
		if err := CheckAddress(a); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	good := specAddresses[0]
	for name, s := range map[string]string{
		"empty":         "",
		"suffix only":   ".onion",
		"no suffix":     strings.TrimSuffix(good, ".onion"),
		"upper case":    strings.ToUpper(good),
		"one letter":    "q" + good[1:],
		"cut":           good[1:],
		"long":          "a" + good,
		"version 2":     "expyuzz4wqqyqhjn.onion",
		"subdomain":     "www." + good,
		"not base32":    "0" + good[1:],
		"control line":  good[:40] + "\r\nQUIT\r\n" + good[48:],
		"other version": strings.Replace(good, "yd.onion", "yc.onion", 1),
		"huge":          strings.Repeat("a", 1<<20) + ".onion",
	} {
		if CheckAddress(s) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The address of an expanded key must be that of the seed it was expanded
// from; the standard library computes the public key in its own way.
func TestAddressOfKey(t *testing.T) {
	for i := range 50 {
		seed := sha512.Sum512_256([]byte{byte(i)})
		public := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
		expanded := sha512.Sum512(seed[:]) // RFC 8032, section 5.1.5
		expanded[0] &= 248
		expanded[31] = expanded[31]&127 | 64
		got := ServiceKey{expanded}.Address()
		if want := address([32]byte(public)); got != want {
			t.Fatalf("address %s, want %s", got, want)
		}
		if err := CheckAddress(got); err != nil {
			t.Fatal(err)
		}
	}
}
