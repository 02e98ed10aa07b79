package casebook

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"unicode"
)

// A Hit is a submission or a record that a search found: exactly one of
// Submission and Record is its id.
type Hit struct {
	Submission string
	Record     string
	Title      string // of a record
	Excerpt    string // some words around the match, as they were written
}

const (
	maxHits  = 1000
	maxWords = 32   // of a query; more would only cost time
	maxQuery = 1024 // bytes of a query that count
)

// Search returns at most limit submissions and records in which every word of
// the query begins a word of the title, the fields, the message or the names,
// the best match first. Case and accents do not matter. Words are what lies
// between blanks; signs within one ask for its parts side by side ("l'État").
// There is no query language; a query without letters or digits finds nothing.
func (c *Casebook) Search(ctx context.Context, query string, limit int) (hits []Hit, err error) {
	match := matchAll(query)
	if match == "" || limit <= 0 {
		return nil, nil
	}
	err = c.read(ctx, func(tx *sql.Tx) error {
		// A match in a title counts most, then one in a name or a field. Ordered by
		// FTS5 itself, so that an excerpt is made of what is returned only.
		rows, err := tx.QueryContext(ctx, `
			SELECT coalesce(submission.id, ''), coalesce(record.id, ''), coalesce(record.title, ''),
				snippet(search, -1, '', '', '…', 24)
			FROM search
			LEFT JOIN submission ON submission.seq = search.rowid
			LEFT JOIN record ON record.seq = search.rowid
			WHERE search MATCH ? AND rank MATCH 'bm25(10, 3, 1, 3)' ORDER BY rank LIMIT ?`,
			match, min(limit, maxHits))
		hits, err = scanAll(rows, err, func(h *Hit) []any {
			return []any{&h.Submission, &h.Record, &h.Title, &h.Excerpt}
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("failed to search: %w", err)
	}
	return hits, nil
}

// matchAll writes the query as an FTS5 expression of quoted strings, in which
// nothing but the quote has a meaning (https://sqlite.org/fts5.html, 3.1).
func matchAll(query string) string {
	query = strings.ToValidUTF8(query[:min(len(query), maxQuery)], " ")
	var terms []string
	for word := range strings.FieldsSeq(strings.ReplaceAll(query, "\x00", " ")) {
		if len(terms) < maxWords && strings.ContainsFunc(word, isToken) {
			terms = append(terms, `"`+strings.ReplaceAll(word, `"`, `""`)+`"*`)
		}
	}
	return strings.Join(terms, " AND ")
}

// isToken is what the unicode61 tokenizer indexes: letters, numbers and private
// use (section 4.3.1). A word without any would be a phrase that matches nothing.
func isToken(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Co, r)
}
