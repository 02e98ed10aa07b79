//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"sourdine/deploy/e2e/program"
	"sourdine/vault/manifest"
	"sourdine/vault/parcel"
)

// manifestOf opens the manifest of a server's only submission and nothing
// else, so that a large one need not fit in memory.
func manifestOf(t *testing.T, s *program.Server) manifest.Manifest {
	t.Helper()
	f, err := os.Open(s.Export(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := parcel.Open(f, func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	var message bytes.Buffer // envelope and the manifest's payload
	for range len(r.Index().Files) {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&message, r); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	plain, err := s.Key.Open(nil, &message)
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
