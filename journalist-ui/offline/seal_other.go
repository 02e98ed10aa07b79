//go:build !linux

package offline

import "errors"

var errSystem = errors.New("sealing the desk off the network: only Linux can do it: use a Linux machine")

// Seal always fails here: there is no wall to put up.
func Seal() error { return errSystem }

// NoDump always fails here.
func NoDump() error { return errSystem }
