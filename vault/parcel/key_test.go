package parcel_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sourdine/vault/parcel"
)

func TestPublicKeyBelongsToSecret(t *testing.T) {
	for range 20 {
		secret, public, err := parcel.NewVaultKey()
		if err != nil {
			t.Fatal(err)
		}
		for _, stored := range []string{secret, secret + "\n"} {
			if got, err := parcel.PublicKey(stored); err != nil || got != public {
				t.Fatalf("PublicKey = %q, %v; want %q", got, err, public)
			}
		}
		if _, err := note.NewVerifier(public); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckVaultKey(t *testing.T) {
	_, public, err := parcel.NewVaultKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := parcel.CheckVaultKey(public); err != nil {
		t.Error(err)
	}
	_, foreign, err := note.GenerateKey(rand.Reader, "elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", foreign, public + "\n", " " + public, public[:len(public)-1], strings.Replace(public, "+", "+0", 1)} {
		if parcel.CheckVaultKey(bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestDamagedSecretIsRefusedUnquoted(t *testing.T) {
	secret, _, err := parcel.NewVaultKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range []string{
		"", "PRIVATE+KEY", "PRIVATE+KEY+a+b+c", "PRIVATE+KEY+a+00000000+AAAA",
		secret[:len(secret)-4], secret[:len(secret)-1] + "!", strings.Replace(secret, "sourdine/vault/", "elsewhere/", 1),
	} {
		got, err := parcel.PublicKey(damaged)
		if err == nil {
			t.Errorf("PublicKey(%q) accepted as %q", damaged, got)
		} else if err.Error() != "the vault's key is damaged" {
			t.Errorf("PublicKey(%q): %v", damaged, err)
		}
	}
}
