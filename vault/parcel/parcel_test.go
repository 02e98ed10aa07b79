package parcel_test

import (
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sourdine/vault/parcel"
)

func trustAll(string) error { return nil }

func TestPublicKeyBelongsToSecret(t *testing.T) {
	for range 20 {
		secret, public, err := parcel.NewVaultKey()
		if err != nil {
			t.Fatal(err)
		}
		got, err := parcel.PublicKey(secret)
		if err != nil || got != public {
			t.Fatalf("PublicKey = %q, %v; want %q", got, err, public)
		}
		if _, err := note.NewVerifier(got); err != nil {
			t.Fatal(err)
		}
	}
	for _, damaged := range []string{"", "PRIVATE+KEY", "PRIVATE+KEY+a+b+c", "PRIVATE+KEY+a+00000000+AAAA"} {
		if _, err := parcel.PublicKey(damaged); err == nil {
			t.Errorf("PublicKey(%q) accepted", damaged)
		}
	}
}

var _ = errors.Is
