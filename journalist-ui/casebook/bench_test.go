package casebook

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

const manySubmissions = 20_000

// many returns a casebook of 20,000 submissions, filled in one transaction.
func many(b *testing.B) *Casebook {
	b.Helper()
	c, err := Create(b.Context(), filepath.Join(b.TempDir(), "casebook"), testKey, author)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	words := strings.Fields("marché caméra préfecture algorithme délibération drone convention fournisseur avenant police")
	err = c.write(context.Background(), func(tx *sql.Tx) error {
		for n := range manySubmissions {
			s := sample(n)
			for i := range 40 {
				s.Message += fmt.Sprint(" ", words[(n*7+i*i)%len(words)], n%(i+2))
			}
			if err := c.enter(b.Context(), tx, submissionImport, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkMany measures what a reviewer waits for with 20,000 submissions.
func BenchmarkMany(b *testing.B) {
	c := many(b)
	b.Run("list all", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for _, err := range c.Submissions(b.Context(), "") {
				if n++; err != nil {
					b.Fatal(err)
				}
			}
			if n != manySubmissions {
				b.Fatal(n)
			}
		}
	})
	b.Run("list 50 from the middle", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for _, err := range c.Submissions(b.Context(), sample(manySubmissions/2).ID) {
				if err != nil {
					b.Fatal(err)
				}
				if n++; n == 50 {
					break
				}
			}
		}
	})
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Submission(b.Context(), sample(777).ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, query := range []string{"drone3 avenant17", "12345", "préfecture", "p", "nosuchword"} {
		b.Run("search "+query, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.Search(b.Context(), query, 50); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("rebuild", func(b *testing.B) {
		for b.Loop() {
			if err := c.Rebuild(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkChange measures one acknowledged change, with its syncs.
func BenchmarkChange(b *testing.B) {
	c, err := Create(b.Context(), filepath.Join(b.TempDir(), "casebook"), testKey, author)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	n := 0
	for b.Loop() {
		n++
		if added, err := c.AddSubmission(b.Context(), sample(n)); !added || err != nil {
			b.Fatal(added, err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	path := created(b)
	for b.Loop() {
		c, err := Open(b.Context(), path, testKey, author)
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
