//go:build long

package parcel_test

import (
	"strings"
	"testing"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/vault/vaulttest"
)

// fixedReviewer is the same at every run, so that a fuzzer's findings stay valid
// and all its processes have one key. It protects nothing.
func fixedReviewer(t testing.TB) vaulttest.Key {
	t.Helper()
	ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(fixedReviewerArmored))
	if err != nil {
		t.Fatal(err)
	}
	return vaulttest.Key{Entity: ring[0]}
}

const fixedReviewerArmored = `
-----BEGIN PGP PRIVATE KEY BLOCK-----

xUsGaVW5ABsAAAAg2L/3peGnLoZ4QWf/qB7oEnGSWvDj11rSXQFWHG2pRyoANUYv
0w25+SkaYKSNTOlXU7gBE6bqUvubS23IeCYlaknClwYfGwgAAAA4BYJpVbkAAgsH
AhUIAhYAApsDAh4BIqEGGr0vBHN71evE6LGL+OQVHbSutQ/rCj23Ra1CeB9io3IA
AAAA0IIQKiGv8rrT5P1caRHYy8NO28LNnOKLIkypljuKcucVjwIKClo2WlXZdLgP
FdsFOuygH/Fb7k1lyCYanvm8Ldj7sSbR/BH5YnGx6CJIorTEcwrHSwZpVbkAGQAA
ACDaC4tOPrUIOmDhWez1MuQAzCnVmu66ahrMxwKSkH4wRgDKTNcnQaWYOtLQsQJH
D519PWIKMUPZsZq5AS06w9rI+MKLBhgbCAAAACwFgmlVuQACmwwioQYavS8Ec3vV
68TosYv45BUdtK61D+sKPbdFrUJ4H2KjcgAAAABtXxAzArnffKyPsE0A+q6NMqaj
zBzR95rW2ZfKBV14DqwJZj3wfXxmNPk5bMIAAfrUbJWVghjWrug5JkMsXlAcLl/m
kkO+oKQeVbTU0bxmRQf3CQ==
-----END PGP PRIVATE KEY BLOCK-----
`
