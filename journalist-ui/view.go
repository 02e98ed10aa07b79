package journalist

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"sourdine/vault/lang"
)

// pages are the templates, each with the layout around it, by name.
type pages map[string]*template.Template

const layoutName = "layout.html"

func parsePages() (pages, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("failed to list templates: %w", err)
	}
	all := pages{}
	for _, name := range names {
		if path.Base(name) == layoutName {
			continue
		}
		t, err := template.ParseFS(files, "templates/"+layoutName, name)
		if err != nil {
			return nil, fmt.Errorf("failed to parse templates: %w", err)
		}
		all[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return all, nil
}

// A view is what a template is given. Its methods are the template's functions.
type view struct {
	*lang.Texts
	Name     string // of the template
	Reviewer string // empty while the desk is locked
	Others   []otherLanguage
	Page     any
}

// An otherLanguage is offered by a link, in its own name.
type otherLanguage struct{ Code, Name string }

// show renders a page. It is written as a whole or not at all.
func (s *Site) show(w http.ResponseWriter, r *http.Request, status int, name string, page any) {
	v := view{Texts: s.textsFor(w, r), Name: name, Page: page}
	if d := s.openDesk(); d != nil {
		v.Reviewer = d.Name()
	}
	for _, tag := range s.texts.Languages() {
		if tag != v.Tag {
			v.Others = append(v.Others, otherLanguage{Code: tag.String(), Name: display.Self.Name(tag)})
		}
	}
	var b bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&b, layoutName, v); err != nil {
		s.config.Failed(fmt.Errorf("failed to render page %s: %w", name, err))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser went away; nobody is left to tell
}

const languageCookie = "lang"

// textsFor chooses the language: the link just followed, the one followed
// before, the browser's.
func (s *Site) textsFor(w http.ResponseWriter, r *http.Request) *lang.Texts {
	asked := r.URL.Query().Get("lang")
	if tag, err := language.Parse(asked); err == nil && len(asked) <= 16 {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: tag.String(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
	} else if c, err := r.Cookie(languageCookie); err == nil {
		asked = c.Value
	}
	return s.texts.For(asked, r.Header.Get("Accept-Language"))
}
