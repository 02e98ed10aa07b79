//go:build !linux

package main

import "errors"

func forbidCoreDumps() error {
	return errors.New("sourdine serves on Linux only: elsewhere it cannot keep plaintext out of core dumps")
}
