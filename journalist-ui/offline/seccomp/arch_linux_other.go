//go:build linux && !amd64 && !arm64

package seccomp

const (
	auditArch  = 0 // no filter is written for this processor: Program refuses
	foreignBit = 0
)
