package journalist

import (
	"strings"
	"unicode"
)

// The casebook's limits on a record (casebook/FORMAT.md), in bytes where not
// said otherwise. The casebook keeps them; here they only serve to tell people
// which one was passed.
const (
	maxTitle  = 500
	maxFields = 200 // fields
	maxKey    = 100
	maxValue  = 64 << 10
)

// A mistake is what is wrong with a form: the id of a text, and what goes in it.
type mistake struct {
	Text  string
	Field int // from 1
	Limit int
}

// mistakeIn names the first rule that a refused form breaks.
func mistakeIn(form recordForm) mistake {
	switch {
	case strings.TrimSpace(form.Title) == "":
		return mistake{Text: "mistake_no_title"}
	case strings.ContainsFunc(form.Title, unicode.IsControl):
		return mistake{Text: "mistake_title_lines"}
	case len(form.Title) > maxTitle:
		return mistake{Text: "mistake_title_long", Limit: maxTitle}
	case len(form.Fields) > maxFields:
		return mistake{Text: "mistake_fields", Limit: maxFields}
	}
	for i, f := range form.Fields {
		m := mistake{Field: i + 1}
		switch {
		case strings.TrimSpace(f.Key) == "":
			m.Text = "mistake_no_key"
		case strings.ContainsFunc(f.Key, unicode.IsControl):
			m.Text = "mistake_key_lines"
		case len(f.Key) > maxKey:
			m.Text, m.Limit = "mistake_key_long", maxKey
		case len(f.Value) > maxValue:
			m.Text, m.Limit = "mistake_value_long", maxValue
		}
		if m.Text != "" {
			return m
		}
	}
	return mistake{Text: "mistake_other"}
}
