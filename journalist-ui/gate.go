package journalist

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A gate lets one browser pass.
type gate struct {
	address string // host:port, as a browser writes it
	cookie  string // its name
	inside  http.Handler
	refuse  http.HandlerFunc

	patience time.Duration // for the body of a request to arrive whole

	token   string
	session string

	mu    sync.Mutex
	burnt bool
}

func newGate(address string, inside http.Handler, refuse http.HandlerFunc) *gate {
	return &gate{
		address: strings.TrimSuffix(address, ":80"), // browsers leave the scheme's own port out (URL Standard, section 4.4)
		cookie:  cookieName(address), inside: inside, refuse: refuse, patience: bodyPatience,
		token: rand.Text() + rand.Text(), session: rand.Text() + rand.Text(), // 260 random bits each
	}
}

const openPath = "/open/"

func (g *gate) url() string { return "http://" + g.address + openPath + g.token }

// cookieName holds the port, because cookies do not: two desks side by side
// would put each other out.
func cookieName(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return "desk-" + port
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	deadline := http.NewResponseController(w)
	if r.ContentLength != 0 {
		_ = deadline.SetReadDeadline(time.Now().Add(g.patience)) // a writer without connection has none
	}
	switch {
	case r.Host != g.address: // DNS rebinding: a stranger's name that leads here
		g.refuse(w, r)
	case !g.knows(r):
		g.tryToken(w, r)
	case strings.HasPrefix(r.URL.Path, openPath):
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case !g.allowed(r):
		g.refuse(w, r)
	default:
		if takeForm(w, r) {
			// From here on the server reads only to notice that the browser went away.
			_ = deadline.SetReadDeadline(time.Time{})
		}
		g.inside.ServeHTTP(w, r)
	}
}

const (
	// maxForm bounds what a browser may send, in bytes: room for 16 fields of the
	// longest value (64 KiB) in plain letters. A record may hold more than a form
	// brings; the command line takes it.
	maxForm = 1 << 20

	// bodyPatience: nothing on its way within one machine takes this long.
	bodyPatience = 30 * time.Second
)

// takeForm reads the body before anything waits for it. One that is too long or
// does not come fails where the form is parsed.
func takeForm(w http.ResponseWriter, r *http.Request) (whole bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		r.Body = io.NopCloser(broken{err})
	}
	return err == nil
}

// A broken reader is one that fails.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// knows reports whether the request carries the session's cookie.
func (g *gate) knows(r *http.Request) bool {
	for _, c := range r.CookiesNamed(g.cookie) {
		if same(c.Value, g.session) {
			return true
		}
	}
	return false
}

// allowed keeps other sites, and other ports of this machine, from sending our
// browser here (CSRF). The cookie is strict already; this does not rely on it.
func (g *gate) allowed(r *http.Request) bool {
	fetch, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return fetch == "" || fetch == "none" || fetch == "same-origin"
	case http.MethodPost:
		return origin == "http://"+g.address && (fetch == "" || fetch == "same-origin")
	}
	return false
}

// tryToken opens the gate for the first who knows the one-time address.
func (g *gate) tryToken(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.URL.Path, openPath)
	if !ok || r.Method != http.MethodGet || !g.burn(token) {
		g.refuse(w, r)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: g.cookie, Value: g.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	if fetch := r.Header.Get("Sec-Fetch-Site"); fetch == "" || fetch == "none" || fetch == "same-origin" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	// Led here by a page of elsewhere, the browser would not send the strict cookie
	// along a redirect. A page of our own leads on.
	w.Header().Set("Refresh", "0; url=/")
	w.WriteHeader(http.StatusOK)
}

// burn reports whether the token is right, and no longer works after that.
func (g *gate) burn(token string) bool {
	if !same(token, g.token) {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	first := !g.burnt
	g.burnt = true
	return first
}

// same compares without telling by its time how much of a secret was right.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// setHeaders shuts every door that a page of ours does not need. The referrer
// policy is not "no-referrer": browsers would then send forms with the origin
// "null" (Fetch, section 3.2), which is no origin to check.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
