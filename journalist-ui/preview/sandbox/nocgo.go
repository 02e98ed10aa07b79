//go:build !cgo

package sandbox

const WithCgo = false
