//go:build !linux

package desk

import "io"

// writeUnnamed always fails here: only Linux has files without a name.
func writeUnnamed(string, io.Reader) error { return errNeedsName }
