// Package pickup is the reviewers' onion site: it gives outbound parcels.
//
// It promises that only ciphertext passes: it gets sealed parcels from its
// caller and holds no key. Who may reach it is decided before it, by Tor's
// client authorisation; it has no log-in of its own and keeps no log.
//
// Return parcels come with a later version.
package pickup

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"regexp"

	"github.com/gorilla/mux"

	"sourdine/vault/lang"
)

//go:embed templates locale
var files embed.FS

const policy = "default-src 'none'; style-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"

// Parcels are what the site gives.
type Parcels interface {
	// Parts lists after which submission's id each parcel begins that is needed
	// to carry everything, "" first.
	Parts(ctx context.Context) ([]string, error)
	// Export writes the outbound parcel that begins there.
	Export(ctx context.Context, w io.Writer, after string) error
}

// A Site serves reviewers.
type Site struct {
	parcels Parcels
	texts   *lang.Catalogues
	pages   *template.Template
	event   func(name string)
}

// New builds the site; event is told fixed names only.
func New(parcels Parcels, event func(name string)) (*Site, error) {
	texts, err := lang.Load(files, "locale")
	if err != nil {
		return nil, err
	}
	pages, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("failed to parse pages: %w", err)
	}
	return &Site{parcels: parcels, texts: texts, pages: pages, event: event}, nil
}

// Handler returns the site's routes.
func (s *Site) Handler() http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/", s.home).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/style.css", s.sheet).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/parcel.tar", s.parcel).Methods(http.MethodGet)
	return silent(r)
}

func silent(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Date"] = nil // net/http leaves it out when it is set to nothing
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func (s *Site) home(w http.ResponseWriter, r *http.Request) {
	texts := s.texts.For(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	var b bytes.Buffer
	parts, err := s.parcels.Parts(r.Context())
	if err == nil {
		err = s.pages.ExecuteTemplate(&b, "home.html", page{T: texts, Parts: numbered(parts)})
	}
	if err != nil {
		s.event("page_failed")
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w) // a reader who left is not an error
}

// A page is the site's only one.
type page struct {
	T     *lang.Texts
	Parts []part
}

// A part is one of the parcels; After is empty for the first.
type part struct {
	N     int
	After string
}

func numbered(afters []string) []part {
	parts := make([]part, len(afters))
	for i, after := range afters {
		parts[i] = part{N: i + 1, After: after}
	}
	return parts
}

func (s *Site) sheet(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "templates/style.css")
}

// idForm is how a submission's id is written.
var idForm = regexp.MustCompile(`^[a-z2-7]{26}$`)

// parcel streams a parcel. When it fails on the way the connection is broken
// off, so that a browser cannot take a part for the whole; the desk would find
// out as well.
func (s *Site) parcel(w http.ResponseWriter, r *http.Request) {
	after, name := r.URL.Query().Get("after"), "parcel.tar"
	switch {
	case after != "" && !idForm.MatchString(after):
		http.NotFound(w, r)
		return
	case after != "": // parts are saved side by side
		name = "parcel-after-" + after + ".tar"
	}
	w.Header().Set("Content-Type", "application/x-tar")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	if err := s.parcels.Export(r.Context(), w, after); err != nil {
		s.event("parcel_failed")
		panic(http.ErrAbortHandler)
	}
	s.event("parcel_given")
}
