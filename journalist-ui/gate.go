package journalist

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
	"sync"
)

// A gate lets one browser pass.
type gate struct {
	address string // host:port
	inside  http.Handler
	refuse  http.HandlerFunc

	token   string
	session string

	mu    sync.Mutex
	burnt bool
}

func newGate(address string, inside http.Handler, refuse http.HandlerFunc) *gate {
	return &gate{
		address: address, inside: inside, refuse: refuse,
		token: rand.Text() + rand.Text(), session: rand.Text() + rand.Text(), // 260 random bits each
	}
}

const openPath = "/open/"

func (g *gate) url() string { return "http://" + g.address + openPath + g.token }

// cookieName holds the port, because cookies do not: two desks side by side
// would put each other out.
func (g *gate) cookieName() string {
	_, port, _ := net.SplitHostPort(g.address)
	return "desk-" + port
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
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
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		g.inside.ServeHTTP(w, r)
	}
}

// maxForm bounds what a browser may send, in bytes: a record with its longest
// fields is well below.
const maxForm = 1 << 20

// knows reports whether the request carries the session's cookie.
func (g *gate) knows(r *http.Request) bool {
	for _, c := range r.CookiesNamed(g.cookieName()) {
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
		Name: g.cookieName(), Value: g.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
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
