//go:build long

package vault_test

// flips is how many bytes TestVerifyFlips flips.
const flips = 1000
