package journalist

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
)

// patient serves a gate of little patience to somebody who has its cookie.
func patient(t *testing.T, inside http.HandlerFunc) (host string, g *gate) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	host = server.Listener.Addr().String()
	g = newGate(host, inside, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	g.patience = 100 * time.Millisecond
	server.Config.Handler = g
	server.Start()
	t.Cleanup(server.Close)
	return host, g
}

// A form that never arrives whole keeps nobody waiting.
func TestBodyThatDoesNotCome(t *testing.T) {
	host, g := patient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ParseForm() != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	for cookie, want := range map[string]int{g.session: http.StatusBadRequest, "stranger": http.StatusForbidden} {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /records/new HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nCookie: %s=%s\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 300000\r\n\r\ntitle=", host, host, g.cookie, cookie)
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Body.Close(); answer.StatusCode != want {
			t.Errorf("got %d, want %d", answer.StatusCode, want)
		}
	}
}

// Patience is for what the browser sends, not for what it is answered.
func TestLongAnswer(t *testing.T) {
	host, g := patient(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(400 * time.Millisecond)
		if err := errors.Join(r.Context().Err(), r.ParseForm()); err != nil {
			t.Error(err)
		}
		io.WriteString(w, r.PostForm.Get("title"))
	})
	req, err := http.NewRequest(http.MethodPost, "http://"+host+"/", strings.NewReader(url.Values{"title": {"long"}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "http://"+host)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: g.cookie, Value: g.session})
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "long" {
		t.Errorf("%q, %v", body, err)
	}
}

// The desk is not closed under a page that uses it.
func TestCloseWaits(t *testing.T) {
	home := desktest.NewHome(t)
	inUnlock, release := make(chan struct{}), make(chan struct{})
	site := newSite(t, nil, func(_ context.Context, passphrase []byte) (*desk.Desk, error) {
		close(inUnlock)
		<-release
		return desk.Open(context.Background(), home, passphrase)
	})
	r := open(t, site)
	answered, closed := make(chan int, 1), make(chan error, 1)
	go func() { answered <- r.post("/unlock", url.Values{"passphrase": {desktest.Passphrase}}).Code }()
	<-inUnlock
	go func() { closed <- site.Close() }()
	select {
	case err := <-closed:
		t.Fatalf("closed while a page is being made: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if code := <-answered; code != http.StatusSeeOther {
		t.Errorf("the page: %d", code)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if got := r.get("/"); got.Code != http.StatusServiceUnavailable {
		t.Errorf("after closing: %d", got.Code)
	}
}
