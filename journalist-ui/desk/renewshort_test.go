//go:build !long

package desk_test

// many submissions are renewed in one go.
const many = 30
