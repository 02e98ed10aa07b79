//go:build !linux

package sandbox

import "errors"

// Enter always fails here: there is no sandbox.
func Enter(Limits) error {
	return errors.New("documents are shown only inside a sandbox, and only Linux has the one we use")
}
