package journalist

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/gorilla/mux"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/preview"
	"sourdine/vault/lang"
)

//go:embed templates/*.html style.css locale/*.toml
var files embed.FS

// Config says what a [Site] serves.
type Config struct {
	// Address is the listener's, "127.0.0.1:8082": the only host name that is answered.
	Address string
	// Desk is the open desk. If it is nil the first page asks for the passphrase.
	Desk *desk.Desk
	// Unlock opens the desk with a passphrase. It is called when Desk is nil, by
	// one request at a time.
	Unlock func(ctx context.Context, passphrase []byte) (*desk.Desk, error)
	// Preview shows documents.
	Preview *preview.Previewer
	// Failed is told of errors for which a page has no words. They hold no text of
	// a source.
	Failed func(error)
}

// A Site is the desk's pages.
type Site struct {
	config Config
	texts  *lang.Catalogues
	pages  pages
	gate   *gate

	running sync.RWMutex // held for reading by every request
	closed  bool

	mu       sync.Mutex
	desk     *desk.Desk
	unlocked bool // by a page, so that Close closes it
}

// New makes a site with a new one-time address.
func New(config Config) (*Site, error) {
	texts, err := lang.Load(files, "locale")
	if err != nil {
		return nil, err
	}
	templates, err := parsePages()
	if err != nil {
		return nil, err
	}
	s := &Site{config: config, texts: texts, pages: templates, desk: config.Desk}
	s.gate = newGate(config.Address, s.routes(), s.refuse)
	return s, nil
}

// URL is the one-time address.
func (s *Site) URL() string { return s.gate.url() }

// ServeHTTP implements http.Handler. A panic is told without its value, which
// may hold a text of a source.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		v := recover()
		if v != nil && v != http.ErrAbortHandler {
			s.config.Failed(fmt.Errorf("a page panicked with a %T\n%s", v, debug.Stack()))
		}
		if v != nil {
			panic(http.ErrAbortHandler)
		}
	}()
	s.running.RLock()
	defer s.running.RUnlock()
	if s.closed {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	s.gate.ServeHTTP(w, r)
}

// Close waits for the requests that are being answered, answers no others, and
// closes the desk if a page unlocked it. Afterwards no page uses a desk.
func (s *Site) Close() error {
	s.running.Lock()
	s.closed = true
	s.running.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.unlocked {
		return nil
	}
	s.unlocked = false
	return s.desk.Close()
}

const (
	submissionPath = "/submissions/{id:[a-z2-7]{26}}"
	itemPath       = submissionPath + "/{n:[1-9][0-9]{0,4}}"
	recordPath     = "/records/{record:[0-9a-z]{5}-[0-9a-z]{5}}"
)

func (s *Site) routes() http.Handler {
	r := mux.NewRouter().SkipClean(true)
	r.NotFoundHandler = s.page(func(http.ResponseWriter, *http.Request, *desk.Desk) error { return desk.ErrNotFound })
	r.MethodNotAllowedHandler = s.page(func(http.ResponseWriter, *http.Request, *desk.Desk) error { return errMethod })
	r.HandleFunc("/style.css", serveStyle).Methods(http.MethodGet)
	r.HandleFunc("/unlock", s.unlock).Methods(http.MethodPost)
	get := func(path string, h handler) { r.Handle(path, s.page(h)).Methods(http.MethodGet, http.MethodHead) }
	post := func(path string, h handler) { r.Handle(path, s.page(h)).Methods(http.MethodPost) }
	get("/unlock", s.toInbox)
	get("/", s.inbox)
	get(submissionPath, s.submission)
	get(itemPath, s.item)
	get(itemPath+"/save", s.warnBeforeSaving)
	post(itemPath+"/save", s.save)
	post(submissionPath+"/attach", s.attach)
	get(submissionPath+"/attach", s.toSubmission)
	post(submissionPath+"/reply", s.reply)
	get(submissionPath+"/reply", s.toSubmission)
	get(submissionPath+"/delete", s.warnBeforeDeleting)
	post(submissionPath+"/delete", s.orderDeletion)
	post(submissionPath+"/withdraw", s.withdrawDeletion)
	get(submissionPath+"/withdraw", s.toSubmission)
	get("/log", s.log)
	post("/log/know", s.know)
	get("/log/know", s.toLog)
	post("/log/restored", s.acceptRestored)
	get("/log/restored", s.toLog)
	get("/return", s.outgoing)
	post("/return", s.writeReturn)
	get("/records", s.records)
	get("/records/new", s.newRecord)
	post("/records/new", s.addRecord)
	get(recordPath, s.record)
	return r
}

// A handler answers when the desk is open. Its error becomes a page.
type handler func(http.ResponseWriter, *http.Request, *desk.Desk) error

// page gives a handler the desk, or asks for the passphrase.
func (s *Site) page(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := s.openDesk()
		if d == nil {
			s.askPassphrase(w, r, http.StatusOK, noMistake)
			return
		}
		if err := h(w, r, d); err != nil && !errors.Is(err, context.Canceled) {
			s.explain(w, r, err)
		}
	})
}

func (s *Site) openDesk() *desk.Desk {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.desk
}

func serveStyle(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "style.css") }
