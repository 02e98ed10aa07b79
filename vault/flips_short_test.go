//go:build !long

package vault_test

// flips is a short dose; the whole one comes with the tag long.
const flips = 100
