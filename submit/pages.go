package submit

import (
	"html/template"
	"maps"
	"net/http"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"sourdine/vault/lang"
)

// A page is what every template gets.
type page struct {
	T         *lang.Texts
	Name      string
	Style     template.CSS
	Languages []languageLink
	Body      any
}

type languageLink struct {
	Code, Name string
	Current    bool
}

type homePage struct {
	Channels []channel
	Limits   Limits
}

type formPage struct {
	Words    string
	Channels []channel
	Limits   Limits
}

type receiptPage struct {
	Words   string
	Receipt kept
}

type mailboxPage struct {
	Replies  []reply
	Receipts []kept
	More     bool // than are shown
}

// A reply is one from a reviewer, to be shown as text.
type reply struct {
	Text   string
	Opened bool // not: it is damaged, or was sealed to another key
}

type problemPage struct {
	problem
	texts *lang.Texts
}

// Title and Hint are the problem's two sentences, with sizes in the reader's
// language.
func (p problemPage) Title() string { return p.texts.Text(p.ID, p.data()) }
func (p problemPage) Hint() string  { return p.texts.Text(p.ID+"_hint", p.data()) }

func (p problemPage) data() map[string]any {
	data := maps.Clone(p.Data)
	for k, v := range data {
		if n, ok := v.(byteCount); ok {
			data[k] = p.texts.AtMost(int64(n))
		}
	}
	return data
}

func (s *Site) page(r *http.Request, name string, body any) page {
	texts := s.textsFor(r)
	p := page{T: texts, Name: name, Style: s.style.sheet, Body: body}
	// Elsewhere a link would lose what the form holds.
	if name == "home" || name == "door" {
		for _, tag := range s.texts.Languages() {
			p.Languages = append(p.Languages, link(tag, texts.Tag))
		}
	}
	return p
}

func link(tag, current language.Tag) languageLink {
	return languageLink{Code: tag.String(), Name: display.Self.Name(tag), Current: tag == current}
}

// functions are what the templates need beside the page.
var functions = template.FuncMap{
	"split": strings.Fields,
	"limits": func(t *lang.Texts, l Limits) map[string]any {
		return map[string]any{"File": t.AtMost(l.File), "Files": l.Files}
	},
	"receipt": func(t *lang.Texts, r kept) map[string]any {
		return map[string]any{"T": t, "Receipt": r}
	},
	"terms": func(t *lang.Texts, all []channel) map[string]any {
		return map[string]any{"T": t, "Terms": terms(all)}
	},
}
