//go:build !unix

package admin

// lockDir locks nothing where there is no flock.
func lockDir(string) (unlock func(), err error) { return func() {}, nil }
