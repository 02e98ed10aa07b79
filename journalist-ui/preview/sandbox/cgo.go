//go:build cgo

package sandbox

// WithCgo: threads and memory then come from the C library, by system calls that
// the filter does not list.
const WithCgo = true
