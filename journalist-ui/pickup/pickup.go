// Package pickup is the reviewers' onion site: it gives outbound parcels and
// takes return parcels.
//
// It promises that only ciphertext and orders pass: it gets sealed parcels from
// its caller and holds no key. Who may reach it is decided before it, by Tor's
// client authorisation; what a return parcel may do, by the reviewer's signature
// on it. It has no log-in of its own, and nothing tells who fetched or brought
// what: events are told of failures only.
//
// A download can be cut off and go on later: the same address gives the same
// bytes as long as the vault does not change what is in them, and says so when it
// did (RFC 9110, sections 13.1.5 and 14). A parcel lies nowhere on the server's
// disk, in neither direction.
package pickup

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"

	"github.com/gorilla/mux"

	"sourdine/vault/lang"
)

//go:embed templates locale
var files embed.FS

const policy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// A Server is what the site stands before.
type Server interface {
	// Reviewers lists those for whom there are parcels.
	Reviewers(ctx context.Context) ([]Reviewer, error)
	// Size returns the size of the log that is to be shown.
	Size(ctx context.Context) (int64, error)
	// Parts lists after which submission's id each parcel begins that is needed
	// to carry everything that is asked for, "" first.
	Parts(ctx context.Context, r Request) ([]string, error)
	// Rosters is another number whenever a reviewer may have joined or left a
	// channel.
	Rosters() uint64
	// Plan plans a parcel. It returns [ErrOutdated] when it cannot be given any
	// more, and a [*Refusal] when nobody may have it.
	Plan(ctx context.Context, r Request) (Plan, error)
	// Apply applies a return parcel. What is not acceptable it refuses with a
	// [*Refusal].
	Apply(ctx context.Context, r io.Reader) (Outcome, error)
}

// A Plan is a parcel that lies nowhere. It is safe for concurrent use.
type Plan interface {
	// Digest names its bytes: equal digests, equal parcels.
	Digest() string
	Reader(ctx context.Context) io.ReadSeeker
	// Count is how many submissions it lists: what it takes in memory.
	Count() int
}

// ErrOutdated: the parcel that was asked for is not to be had any more, but one
// of the log as it is now is.
var ErrOutdated = errors.New("the parcel is outdated")

// A Reviewer is named on the page.
type Reviewer struct {
	Name, Fingerprint string
}

// Short is the beginning of the fingerprint, enough to know oneself by.
func (r Reviewer) Short() string { return r.Fingerprint[:min(16, len(r.Fingerprint))] }

// A Request is a parcel that is asked for: the reviewer's fingerprint or nothing
// for all, the size of the log that it is to show, and where it begins.
type Request struct {
	Reviewer string
	Size     int64
	After    string
}

// A Site serves reviewers.
type Site struct {
	server Server
	plans  *plans
	texts  *lang.Catalogues
	pages  *template.Template
	event  func(name string)

	uploads chan struct{} // see maxUploads
}

// New builds the site; event is told fixed names only. Close it when no more
// requests come.
func New(server Server, event func(name string)) (*Site, error) {
	texts, err := lang.Load(files, "locale")
	if err != nil {
		return nil, err
	}
	pages, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("failed to parse pages: %w", err)
	}
	return &Site{server: server, plans: newPlans(server), texts: texts, pages: pages, event: event,
		uploads: make(chan struct{}, maxUploads)}, nil
}

// Close frees what is kept for later requests.
func (s *Site) Close() { s.plans.clear() }

// Handler returns the site's routes.
func (s *Site) Handler() http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/", s.home).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/style.css", s.sheet).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/parcels", s.parts).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/parcel.tar", s.parcel).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/return", s.apply).Methods(http.MethodPost)
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

func (s *Site) textsFor(r *http.Request) *lang.Texts {
	return s.texts.For(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
}

// A homePage lists for whom there are parcels.
type homePage struct {
	T         *lang.Texts
	Reviewers []Reviewer
}

func (s *Site) home(w http.ResponseWriter, r *http.Request) {
	reviewers, err := s.server.Reviewers(r.Context())
	if err != nil {
		s.fail(w)
		return
	}
	s.show(w, http.StatusOK, "home.html", homePage{s.textsFor(r), reviewers})
}

// show renders a page whole before it sends the first byte.
func (s *Site) show(w http.ResponseWriter, status int, name string, page any) {
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, page); err != nil {
		s.fail(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a reader who left is not an error
}

func (s *Site) fail(w http.ResponseWriter) {
	s.event("page_failed")
	http.Error(w, "internal error", http.StatusInternalServerError)
}

func (s *Site) sheet(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "templates/style.css")
}
