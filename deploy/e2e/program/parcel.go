package program

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"sourdine/vault/manifest"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

// A Submission is one out of a parcel, opened with the reviewer's key.
type Submission struct {
	parcel.Submission
	Manifest manifest.Manifest
	Items    [][]byte // plaintexts, the manifest's first
}

// Export writes a parcel with the export command and returns its path.
func (s *Server) Export(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "parcel.tar")
	Run(t, 0, "sourdine", "parcel", "export", "--home", s.Home, "-o", path)
	return path
}

// Received exports a parcel and opens every submission in it.
func (s *Server) Received(t testing.TB) []Submission {
	t.Helper()
	return OpenParcel(t, s.Export(t), s.Key)
}

// OpenParcel opens every submission in a parcel, in memory.
func OpenParcel(t testing.TB, path string, key vaulttest.Key) []Submission {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := parcel.Open(f, func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	var all []Submission
	var envelope []byte
	for {
		file, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if file.IsLog() {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if file.IsEnvelope {
			envelope = content
			all = append(all, Submission{Submission: file.Submission})
			continue
		}
		plain, err := key.Open(envelope, bytes.NewReader(content))
		if err != nil {
			t.Fatalf("item %d of %s does not open: %v", file.Item, file.Submission.ID, err)
		}
		last := &all[len(all)-1]
		last.Items = append(last.Items, plain)
		if file.Item == 0 {
			if last.Manifest, err = manifest.Parse(bytes.NewReader(plain)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
