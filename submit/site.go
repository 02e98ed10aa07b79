package submit

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"sourdine/submit/mailbox"
	"sourdine/submit/passphrase"
	"sourdine/vault"
	"sourdine/vault/lang"
)

//go:embed templates locale
var files embed.FS

// Limits bound one submission.
type Limits struct {
	File  int64 // bytes of one file
	Total int64 // bytes of one request's body
	Files int   // files in one request
}

// DefaultLimits is what a new site offers.
var DefaultLimits = Limits{File: 4 << 30, Total: 16 << 30, Files: 100}

// A Site serves sources.
type Site struct {
	vault      *vault.Vault
	limits     Limits
	rosters    *rosters
	deriver    *mailbox.Deriver
	dictionary *passphrase.Dictionary
	texts      *lang.Catalogues
	pages      *template.Template
	style      style
	event      func(name string)
	now        func() time.Time
}

// Config is what a site needs. Event is called with fixed names only, never
// with anything from a request; nil drops them.
type Config struct {
	Vault  *vault.Vault
	Limits Limits
	Event  func(name string)
}

// New builds a site on an open vault.
func New(c Config) (*Site, error) {
	salt, err := c.Vault.Salt()
	if err != nil {
		return nil, err
	}
	texts, err := lang.Load(files, "locale")
	if err != nil {
		return nil, err
	}
	pages, err := template.New("").Funcs(functions).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("failed to parse pages: %w", err)
	}
	css, err := files.ReadFile("templates/style.css")
	if err != nil {
		return nil, fmt.Errorf("failed to read the style sheet: %w", err)
	}
	if c.Event == nil {
		c.Event = func(string) {}
	}
	if c.Limits.Files > maxFiles {
		return nil, errors.New("the limit on files is larger than a manifest can list")
	}
	return &Site{
		vault: c.Vault, limits: c.Limits, rosters: newRosters(c.Vault),
		deriver: mailbox.NewDeriver(salt), dictionary: passphrase.NewDictionary(),
		texts: texts, pages: pages, style: newStyle(css), event: c.Event, now: time.Now,
	}, nil
}

// Handler returns the site's routes behind the headers and the recovery that
// every answer gets.
func (s *Site) Handler() http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/", s.home).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/send", s.form).Methods(http.MethodPost)
	r.HandleFunc("/send", s.toHome).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/submit", s.receive).Methods(http.MethodPost)
	r.HandleFunc("/submit", s.toHome).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/mailbox", s.mailboxDoor).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/mailbox", s.mailbox).Methods(http.MethodPost)
	r.NotFoundHandler = s.refusal(problem{http.StatusNotFound, "problem_not_found", nil})
	r.MethodNotAllowedHandler = s.refusal(problem{http.StatusMethodNotAllowed, "problem_method", nil})
	return s.silent(s.recover(r))
}

// toHome sends home whoever reloads a page that only a form can make.
func (s *Site) toHome(w http.ResponseWriter, r *http.Request) {
	target := "/"
	if asked := r.URL.Query().Get("lang"); asked != "" {
		target += "?lang=" + s.textsFor(r).Code()
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// textsFor picks the language: the link's or form's, else the browser's.
func (s *Site) textsFor(r *http.Request) *lang.Texts {
	return s.texts.For(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
}
