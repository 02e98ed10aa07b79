package casebook

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits, in bytes where not said otherwise. They are above what the source's
// site lets through, and keep a hostile manifest from filling the memory.
const (
	maxID       = 128
	maxWord     = 256 // a vault, a channel, a language, a type, an author
	maxReason   = 4 << 10
	maxMessage  = 4 << 20
	maxItems    = 10_000 // items
	maxName     = 16 << 10
	maxTitle    = 500
	maxFields   = 200 // fields
	maxKey      = 100
	maxValue    = 64 << 10
	sha256Chars = 64
)

// Check returns [ErrInvalid] for a submission that [Casebook.AddSubmission] would
// not take.
func (s Submission) Check() error {
	if err := checkID(s.ID); err != nil {
		return err
	}
	for _, t := range []struct {
		what, text string
		max        int
	}{
		{"vault", s.Vault, maxWord}, {"channel", s.Channel, maxWord}, {"language", s.Language, maxWord},
		{"message", s.Message, maxMessage}, {"doubt", s.Doubtful, maxReason},
	} {
		if err := checkText(t.what, t.text, t.max); err != nil {
			return err
		}
	}
	if day, err := time.Parse(time.DateOnly, s.Day); err != nil || day.Format(time.DateOnly) != s.Day {
		return invalid("the day is not of the form 2006-01-02")
	}
	if len(s.Items) > maxItems {
		return invalid("more than %d items", maxItems)
	}
	last := 0
	for _, i := range s.Items {
		if i.N <= last {
			return invalid("item %d after item %d: they are numbered from 1, upwards", i.N, last)
		}
		if err := i.check(s.Doubtful != ""); err != nil {
			return err
		}
		last = i.N
	}
	return nil
}

func (i Item) check(doubtful bool) error {
	switch {
	case !textFits(i.Name, maxName):
		return invalid("the name of item %d is not UTF-8 or longer than %d bytes", i.N, maxName)
	case !textFits(i.Type, maxWord):
		return invalid("the type of item %d is not UTF-8 or longer than %d bytes", i.N, maxWord)
	case i.Size < 0:
		return invalid("the size of item %d is negative", i.N)
	case i.SHA256 == "" && doubtful:
		return nil
	case len(i.SHA256) != sha256Chars || strings.Trim(i.SHA256, "0123456789abcdef") != "":
		return invalid("the SHA-256 of item %d is not %d lower-case hexadecimal digits", i.N, sha256Chars)
	}
	return nil
}

func (r Record) check() error {
	switch {
	case strings.TrimSpace(r.Title) == "":
		return invalid("a record needs a title")
	case !textFits(r.Title, maxTitle) || strings.ContainsFunc(r.Title, unicode.IsControl):
		return invalid("a title is one line of at most %d bytes", maxTitle)
	case len(r.Fields) > maxFields:
		return invalid("more than %d fields", maxFields)
	}
	for i, f := range r.Fields {
		switch {
		case strings.TrimSpace(f.Key) == "":
			return invalid("field %d has no key", i+1)
		case !textFits(f.Key, maxKey) || strings.ContainsFunc(f.Key, unicode.IsControl):
			return invalid("the key of field %d is not one line of at most %d bytes", i+1, maxKey)
		case !textFits(f.Value, maxValue):
			return invalid("the value of field %d is not UTF-8 or longer than %d bytes", i+1, maxValue)
		}
	}
	return nil
}

// checkID keeps ids to what may stand in a command, an address or a file name.
func checkID(id string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	if len(id) < minPrefix || len(id) > maxID || strings.Trim(id, letters) != "" {
		return invalid("an id has %d to %d letters, digits, - or _", minPrefix, maxID)
	}
	return nil
}

func checkAuthor(author string) error {
	if author == "" || strings.ContainsFunc(author, unicode.IsControl) {
		return invalid("an author is a fingerprint")
	}
	return checkText("author", author, maxWord)
}

// refuseZero catches a key that was never filled in.
func refuseZero(key [32]byte) error {
	if key == [32]byte{} {
		return invalid("the key is all zeros")
	}
	return nil
}

func checkText(what, text string, limit int) error {
	if !textFits(text, limit) {
		return invalid("the %s is not UTF-8 or longer than %d bytes", what, limit)
	}
	return nil
}

// textFits: JSON, and so the journal, keeps nothing but UTF-8.
func textFits(text string, limit int) bool {
	return len(text) <= limit && utf8.ValidString(text)
}
