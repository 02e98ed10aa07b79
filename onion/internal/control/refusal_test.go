package control

import (
	"strings"
	"testing"
)

func TestScrubTakesKeysOut(t *testing.T) {
	key := strings.Repeat("Ab1+", 21) + "w=="
	client := strings.Repeat("A", 52)
	command := "ADD_ONION ED25519-V3:" + key + " Flags=V3Auth ClientAuthV3=" + client + " Port=80,unix:/run/x"
	for _, said := range []string{key, "ED25519-V3:" + key, "ClientAuthV3=" + client, "«" + key + "»"} {
		out := scrub("Bad arguments: "+said+" is wrong", command)
		if strings.Contains(out, key) || strings.Contains(out, "="+client) {
			t.Errorf("key left in %q", out)
		}
		if !strings.HasPrefix(out, "Bad arguments: ") || !strings.HasSuffix(out, " is wrong") {
			t.Errorf("reason lost in %q", out)
		}
	}
}
