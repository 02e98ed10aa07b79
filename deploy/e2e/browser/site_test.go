//go:build e2e

package browser

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A part is what one part of a form was on the wire.
type part struct {
	disposition, contentType string
	text                     string // of the first 100 bytes
	size                     int64
	sum                      [32]byte
}

// A site is a local server that remembers what browsers asked of it.
type site struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string // "GET /path language"
	parts    []part
	received int64         // of the upload in progress
	pause    time.Duration // before each read of an upload
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page(`<title>form</title><h1>Form</h1>
		<form action="/upload" method="post" enctype="multipart/form-data">
		<textarea name="text"></textarea><select name="channel"><option value="a">A<option value="b">B</select>
		<input type="file" name="files" multiple><input type="hidden" name="words" value="eight words">
		<p style="height:1500px">far down</p><button>send</button></form>`))
	mux.HandleFunc("GET /script", s.page(`<title>plain</title><p id="p">plain</p>
		<noscript><p id="off">scripts are off</p></noscript>
		<script>document.title = document.getElementById("p").textContent = "scripted"</script>
		<a id="handler" href="#" onclick="document.title='clicked'">handler</a>
		<a id="url" href="javascript:document.title='url'">url</a>`))
	mux.HandleFunc("GET /frames", s.page(`<title>frames</title>
		<form action="/upload" method="post" enctype="multipart/form-data" target="answer">
		<input type="file" name="files"><button>send</button></form>
		<iframe name="progress" src="/progress"></iframe><iframe name="answer"></iframe>`))
	mux.HandleFunc("GET /progress", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		n := s.received
		s.mu.Unlock()
		s.page(fmt.Sprintf(`<meta http-equiv="refresh" content="1"><progress value="%d" max="%d"></progress><p>%d bytes</p>`, n, slowUpload, n))(w, r)
	})
	mux.HandleFunc("GET /third", s.page(`<title>third</title><h1>Onion</h1><img src="http://third.example/a.png" alt="">`))
	mux.HandleFunc("GET /narrow", s.page(`<meta name="viewport" content="width=device-width"><div style="height:3000px;background:linear-gradient(red,blue)">x</div>`))
	mux.HandleFunc("GET /bad", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		s.page(`<title>bad</title><h1>too large</h1>`)(w, r)
	})
	mux.HandleFunc("GET /cut", s.page(`<title>cut</title><form action="/cut" method="post" enctype="multipart/form-data">
		<input type="file" name="files"><button>send</button></form>`))
	mux.HandleFunc("POST /cut", func(w http.ResponseWriter, r *http.Request) {
		io.CopyN(io.Discard, r.Body, 1<<20)
		panic(http.ErrAbortHandler) // closes the connection
	})
	mux.HandleFunc("POST /upload", s.upload)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	return s
}

func (s *site) page(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.Host+r.URL.Path+" "+r.Header.Get("Accept-Language"))
		s.mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><html lang=fr>"+body)
	}
}

func (s *site) upload(w http.ResponseWriter, r *http.Request) {
	parts, err := s.readParts(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.parts = parts
	s.mu.Unlock()
	s.page(fmt.Sprintf(`<title>done</title><h1>received %d parts</h1>`, len(parts)))(w, r)
}

func (s *site) readParts(r *http.Request) (parts []part, err error) {
	_, boundary, _ := strings.Cut(r.Header.Get("Content-Type"), "boundary=")
	body := multipart.NewReader(r.Body, strings.Trim(boundary, `"`))
	for {
		p, err := body.NextRawPart()
		if err == io.EOF {
			return parts, nil
		}
		if err != nil {
			return nil, err
		}
		got := part{disposition: p.Header.Get("Content-Disposition"), contentType: p.Header.Get("Content-Type")}
		sum := sha256.New()
		buf := make([]byte, 256<<10)
		for {
			n, err := io.ReadFull(p, buf)
			sum.Write(buf[:n])
			if got.size == 0 {
				got.text = string(buf[:min(n, 100)])
			}
			got.size += int64(n)
			s.mu.Lock()
			s.received += int64(n)
			s.mu.Unlock()
			if err != nil {
				break
			}
			time.Sleep(s.pause)
		}
		sum.Sum(got.sum[:0])
		parts = append(parts, got)
	}
}

func (s *site) lastParts() []part {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parts
}

func (s *site) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// eachBrowser runs a test in Firefox and in Chromium.
func eachBrowser(t *testing.T, o Options, run func(t *testing.T, ctx context.Context, b Browser)) {
	for name, start := range starters {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begin := time.Now()
			b, err := start(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("started in %v", time.Since(begin).Round(time.Millisecond))
			defer func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}()
			run(t, ctx, b)
		})
	}
}

var starters = map[string]func(context.Context, Options) (Browser, error){
	"firefox": func(ctx context.Context, o Options) (Browser, error) {
		f, err := StartFirefox(ctx, o)
		if err != nil {
			return nil, err
		}
		return f, nil
	},
	"chromium": func(ctx context.Context, o Options) (Browser, error) {
		c, err := StartChromium(ctx, o)
		if err != nil {
			return nil, err
		}
		return c, nil
	},
}

// must fails the test at the first of several steps that fails.
func must(t *testing.T, errs ...error) {
	t.Helper()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
	}
}

// fileOf writes a file of size bytes that differ.
func fileOf(t *testing.T, name string, size int) (path string, sum [32]byte) {
	t.Helper()
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i>>16 ^ i>>8 ^ i)
	}
	path = filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, data, 0o600))
	return path, sha256.Sum256(data)
}
