package submit

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"time"
)

// A style is the style sheet inside every page, allowed by its hash alone.
type style struct {
	sheet  template.CSS
	policy string
}

func newStyle(css []byte) style {
	sum := sha256.Sum256(css)
	return style{
		sheet: template.CSS(css),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	}
}

// silent sets the headers that keep a browser from fetching, storing, sniffing
// or telling anything, and takes away the clock.
func (s *Site) silent(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Date"] = nil // net/http leaves it out when it is set to nothing
		h.Set("Content-Security-Policy", s.style.policy)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		// Who sends nothing, or takes nothing, is let go; uploads extend the first
		// with every byte. A connection that knows no deadlines (in a test) is
		// not an error.
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(silence))
		_ = control.SetWriteDeadline(time.Time{})
		next.ServeHTTP(w, r)
	})
}

// recover answers a panic with a plain page. The value may hold a source's
// words, so only the fixed event is told, never the value.
func (s *Site) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				s.event("panic")
				s.fail(w, r, errInternal)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
