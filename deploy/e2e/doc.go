// Package e2e holds the tests that run the real programs against real parts:
// tor on a private network, Firefox and Chromium without JavaScript, other
// OpenPGP programs, kill -9. They carry the build tag e2e; `make test` runs
// them, `go test ./...` does not.
package e2e
