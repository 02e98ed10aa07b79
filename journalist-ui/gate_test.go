package journalist

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
)

func TestOneTimeAddress(t *testing.T) {
	site := newSite(t, desktest.New(t), nil)
	first := open(t, site)
	c := first.cookies["desk-8082"]
	if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || len(c.Value) < 40 || c.MaxAge != 0 {
		t.Errorf("cookie %+v", c)
	}
	if strings.Contains(site.URL(), c.Value) {
		t.Error("the cookie can be read off the address")
	}
	path := strings.TrimPrefix(site.URL(), "http://"+address)
	second := &reader{t: t, site: site, cookies: map[string]*http.Cookie{}}
	if got := second.get(path); got.Code != http.StatusForbidden || len(second.cookies) > 0 {
		t.Errorf("the second time: %d", got.Code)
	}
	if got := first.get(path); got.Code != http.StatusSeeOther {
		t.Errorf("again by the first: %d", got.Code)
	}
	first.page("/")
}

// Without the cookie there is nothing but a plain 403.
func TestStrangers(t *testing.T) {
	d, id := filled(t)
	site := newSite(t, d, nil)
	for _, path := range []string{
		"/", "/style.css", "/unlock", "/records", "/records/new", "/submissions/" + id, "/submissions/" + id + "/1", "/nowhere",
		"/open/", "/open/AAAA", "/open/" + strings.Repeat("A", 1<<16), "/open", "//open/" + site.gate.token, "/open/" + site.gate.token + "/",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead, http.MethodOptions, http.MethodPut} {
			stranger := &reader{t: t, site: site, cookies: map[string]*http.Cookie{"desk-8082": {Name: "desk-8082", Value: "wrong"}}}
			got := stranger.do(httptest.NewRequest(method, path, nil))
			body := got.Body.String()
			if got.Code != http.StatusForbidden || strings.Contains(body, "<") || strings.Contains(body, id) || got.Header().Get("Set-Cookie") != "" {
				t.Errorf("%s %.40s: %d %s", method, path, got.Code, body)
			}
		}
	}
	// Only a GET uses the address up.
	stranger := &reader{t: t, site: site, cookies: map[string]*http.Cookie{}}
	for _, method := range []string{http.MethodPost, http.MethodHead} {
		if got := stranger.do(httptest.NewRequest(method, "/open/"+site.gate.token, nil)); got.Code != http.StatusForbidden {
			t.Errorf("%s of the address: %d", method, got.Code)
		}
	}
	open(t, site).page("/")
}

func TestOtherHosts(t *testing.T) {
	site := newSite(t, desktest.New(t), nil)
	r := open(t, site)
	for _, host := range []string{"evil.example", "evil.example:8082", "localhost:8082", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8082.", "[::1]:8082", "", "127.0.0.2:8082"} {
		for _, path := range []string{"/", "/open/" + site.gate.token} {
			req := httptest.NewRequest(http.MethodGet, path, nil)
			req.Host = host
			req.AddCookie(r.cookies["desk-8082"])
			w := httptest.NewRecorder()
			site.ServeHTTP(w, req)
			if w.Code != http.StatusForbidden {
				t.Errorf("host %q: %s gave %d", host, path, w.Code)
			}
		}
	}
}

// Browsers leave the port of plain HTTP out of the host and of the origin.
func TestPort80(t *testing.T) {
	for listens, host := range map[string]string{"127.0.0.1:80": "127.0.0.1", "[::1]:80": "[::1]", "127.0.0.1:8080": "127.0.0.1:8080"} {
		g := newGate(listens, http.NotFoundHandler(), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		req := httptest.NewRequest(http.MethodGet, g.url(), nil)
		req.Host = host
		w := httptest.NewRecorder()
		g.ServeHTTP(w, req)
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(g.url(), "http://"+host+"/open/") {
			t.Errorf("%s, asked for as %s: %d, %s", listens, host, w.Code, g.url())
			continue
		}
		cookie := w.Result().Cookies()[0]
		if _, port, _ := strings.Cut(strings.TrimPrefix(listens, "[::1]"), ":"); cookie.Name != "desk-"+port {
			t.Errorf("%s: cookie %s", listens, cookie.Name)
		}
		req = httptest.NewRequest(http.MethodPost, "/records/new", nil)
		req.Host = host
		req.Header.Set("Origin", "http://"+host)
		req.AddCookie(cookie)
		w = httptest.NewRecorder()
		if g.ServeHTTP(w, req); w.Code != http.StatusNotFound {
			t.Errorf("%s: a form got %d", listens, w.Code)
		}
	}
}

// Forms of other origins, and navigations that other pages start, are refused
// although the browser sent the cookie.
func TestOtherOrigins(t *testing.T) {
	d := desktest.New(t)
	r := open(t, newSite(t, d, nil))
	form := url.Values{"title": {"forged"}}
	for _, origin := range []string{"", "null", "http://evil.example", "https://" + address, "http://127.0.0.1:8083", "http://localhost:8082", "http://" + address + ".evil.example"} {
		for _, fetch := range []string{"", "none", "same-origin", "same-site", "cross-site"} {
			req := httptest.NewRequest(http.MethodPost, "/records/new", strings.NewReader(form.Encode()))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Origin", origin)
			if origin == "" {
				req.Header.Del("Origin")
			}
			req.Header.Set("Sec-Fetch-Site", fetch)
			if got := r.do(req); got.Code != http.StatusForbidden {
				t.Errorf("origin %q, %s: %d", origin, fetch, got.Code)
			}
		}
	}
	for fetch, want := range map[string]int{"": 200, "none": 200, "same-origin": 200, "same-site": 403, "cross-site": 403} {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header.Set("Sec-Fetch-Site", fetch)
		if got := r.do(req); got.Code != want {
			t.Errorf("a navigation that is %q: %d", fetch, got.Code)
		}
	}
	r.page("/records", "There is no record yet")
}

// A page of elsewhere may lead to the one-time address; the strict cookie then
// needs a page of our own to start from.
func TestOpenedFromElsewhere(t *testing.T) {
	site := newSite(t, desktest.New(t), nil)
	r := &reader{t: t, site: site, cookies: map[string]*http.Cookie{}, headers: map[string]string{"Sec-Fetch-Site": "cross-site"}}
	got := r.get("/open/" + site.gate.token)
	if got.Code != http.StatusOK || got.Header().Get("Refresh") != "0; url=/" {
		t.Errorf("%d, %v", got.Code, got.Header())
	}
	delete(r.headers, "Sec-Fetch-Site")
	r.page("/")
}

func TestHeaders(t *testing.T) {
	d, id := filled(t)
	site := newSite(t, d, nil)
	r := open(t, site)
	stranger := &reader{t: t, site: site, cookies: map[string]*http.Cookie{}}
	for what, got := range map[string]*httptest.ResponseRecorder{
		"a page": r.get("/"), "a picture": r.get("/submissions/" + id + "/2"), "a file": r.post("/submissions/"+id+"/2/save", nil),
		"the style": r.get("/style.css"), "a problem": r.get("/nowhere"), "a refusal": stranger.get("/"),
	} {
		h := got.Header()
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy lacks %s", what, want)
			}
		}
		if strings.Contains(policy, "script") || strings.Contains(policy, "unsafe") || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v", what, h)
		}
	}
	for _, path := range []string{"/", "/records/new", "/submissions/" + id, "/submissions/" + id + "/2"} {
		body := r.page(path)
		if strings.Contains(body, "<script") || strings.Contains(body, " style=") || strings.Contains(body, "http://") || strings.Contains(body, "https://") {
			t.Errorf("%s reaches out, or brings its own style", path)
		}
	}
}

func TestUnlock(t *testing.T) {
	home := desktest.NewHome(t)
	site := newSite(t, nil, func(_ context.Context, passphrase []byte) (*desk.Desk, error) {
		return desk.Open(context.Background(), home, passphrase)
	})
	r := open(t, site)
	for _, path := range []string{"/", "/records", "/nowhere", "/submissions/aaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		r.page(path, `type="password"`, "Open the desk")
	}
	for _, wrong := range []string{"", "wrong", strings.Repeat("a", 1000)} {
		r.problem(r.post("/unlock", url.Values{"passphrase": {wrong}}), http.StatusForbidden, "That is not the passphrase")
	}
	r.problem(r.post("/unlock", url.Values{"passphrase": {strings.Repeat("a", 2<<20)}}), http.StatusBadRequest, "could not be read")
	if got := r.post("/records/new", url.Values{"title": {"early"}}); strings.Contains(got.Body.String(), "early") || got.Code != http.StatusOK {
		t.Errorf("a form before: %d", got.Code)
	}
	got := r.post("/unlock", url.Values{"passphrase": {desktest.Passphrase}})
	if got.Code != http.StatusSeeOther || strings.Contains(got.Body.String(), desktest.Passphrase) {
		t.Fatalf("the right one: %d", got.Code)
	}
	r.page("/", "Nothing has come to this desk yet", "Élise Nice")
	if got := r.get("/unlock"); got.Code != http.StatusSeeOther {
		t.Errorf("afterwards: %d", got.Code)
	}
}
