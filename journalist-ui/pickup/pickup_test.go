package pickup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/lang/langtest"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

var ctx = context.Background()

func TestCatalogues(t *testing.T) {
	used := map[string]bool{}
	langtest.Find(t, used, files, "templates/*.html", `\.(?:Text|Count) "(\w+)"`)
	langtest.Find(t, used, goFiles, "*.go", `"((?:refused|reason)_\w+)"`)
	langtest.Check(t, used, 50, files)
}

// A server is a real vault.
type server struct {
	t       testing.TB
	vault   *vault.Vault
	secret  string
	members []Reviewer
	apply   func(io.Reader) (Outcome, error)
	during  func() // what happens while a parcel is planned

	mu    sync.Mutex
	plans int
	err   error // of everything
}

func newServer(t testing.TB) *server {
	t.Helper()
	secret, _, err := parcel.NewVaultKey()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, vault: vaulttest.NewVault(t), secret: secret}
	if err := s.vault.AddChannel(ctx, "Nice"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Alice", "<b>Élise & co</b>"} {
		key := vaulttest.NewKey(t, vaulttest.X25519)
		c, err := seal.ParseCertificate(key.Certificate(t), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		s.members = append(s.members, Reviewer{name, c.Fingerprint()})
		if _, err := s.vault.AddMember(ctx, "Nice", vault.Member{Name: name, Fingerprint: c.Fingerprint(), Certificate: key.Certificate(t)}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// commit puts a submission of that many bytes into the vault.
func (s *server) commit(size int) vault.ID {
	s.t.Helper()
	d := s.vault.NewDraft()
	w, err := d.Item(ctx, 0)
	if err == nil {
		_, err = w.Write(bytes.Repeat([]byte("0123456789abcdef"), size/16))
	}
	if err == nil {
		err = w.Close()
	}
	var id vault.ID
	if err == nil {
		id, err = d.Commit(ctx, vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: 2, Envelope: []byte("envelope")})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *server) Reviewers(context.Context) ([]Reviewer, error) { return s.members, s.err }
func (s *server) Size(ctx context.Context) (int64, error)       { return s.vault.Batch(ctx) }
func (s *server) request(r Request) (q parcel.Request, err error) {
	q = parcel.Request{Reviewer: r.Reviewer, Size: r.Size}
	if r.After != "" {
		q.After, err = vault.ParseID(r.After)
	}
	return q, err
}

func (s *server) Parts(ctx context.Context, r Request) ([]string, error) {
	q, err := s.request(r)
	if err != nil {
		return nil, err
	}
	ids, err := parcel.Parts(ctx, s.vault, q)
	parts := []string{""}
	for _, id := range ids[1:] {
		parts = append(parts, id.String())
	}
	return parts, err
}

type plan struct{ *parcel.Plan }

func (p plan) Count() int { return len(p.Index().Submissions) }

func (s *server) Plan(ctx context.Context, r Request) (Plan, error) {
	s.mu.Lock()
	s.plans++
	s.mu.Unlock()
	q, err := s.request(r)
	if err != nil || s.err != nil {
		return nil, errors.Join(err, s.err)
	}
	p, err := parcel.Prepare(ctx, s.vault, s.secret, q)
	if s.during != nil {
		s.during()
	}
	if errors.Is(err, parcel.ErrOutdated) {
		err = ErrOutdated
	}
	return plan{p}, err
}

func (s *server) Rosters() uint64 { return s.vault.RostersVersion() }

func (s *server) Apply(_ context.Context, r io.Reader) (Outcome, error) { return s.apply(r) }

// serve serves over a unix socket, as for tor.
func serve(t *testing.T, s Server) (client *http.Client, events func() []string) {
	t.Helper()
	var mu sync.Mutex
	var list []string
	site, err := New(s, func(name string) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, name)
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(site.Handler())
	h.Listener.Close()
	h.Listener = l
	h.Config.ErrorLog = nil
	h.Start()
	t.Cleanup(h.Close)
	t.Cleanup(site.Close)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}

const site = "http://pickup"

// do asks with headers, given as pairs.
func do(t *testing.T, c *http.Client, method, path string, headers ...string) (*http.Response, string, error) {
	t.Helper()
	request, err := http.NewRequest(method, site+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func get(t *testing.T, c *http.Client, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	response, body, err := do(t, c, http.MethodGet, path, headers...)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return response, body
}

func TestPages(t *testing.T) {
	s := newServer(t)
	s.commit(100)
	c, events := serve(t, s)
	alice := s.members[0].Fingerprint
	for path, want := range map[string]string{
		"/?lang=fr": "Retirer un colis", "/?lang=en": "Pick up a parcel", "/style.css": "color-scheme", "/parcel.tar": "parcel.note",
		"/parcels?lang=fr": "Colis pour tout le monde", "/parcels?lang=en&reviewer=" + alice: "Parcel for",
	} {
		response, body := get(t, c, path)
		if response.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, %.200s", path, response.StatusCode, body)
			continue
		}
		if response.Header.Get("Date") != "" || response.Header.Get("Set-Cookie") != "" || response.Header.Get("Content-Security-Policy") != "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'" {
			t.Errorf("%s: headers %v", path, response.Header)
		}
		head, nothing, err := do(t, c, http.MethodHead, path)
		if err != nil || head.StatusCode != http.StatusOK || nothing != "" {
			t.Errorf("HEAD %s: %v, %v", path, head, err)
		}
	}
	_, home := get(t, c, "/?lang=en")
	if !strings.Contains(home, alice[:16]) || strings.Contains(home, "<b>") || strings.Count(home, "/parcels?") != 3 || !strings.Contains(home, `method="post" action="/return?lang=en" enctype="multipart/form-data"`) {
		t.Errorf("the first page: %s", home)
	}
	for _, wrong := range []string{
		"/parcels?reviewer=x", "/parcels?reviewer=" + strings.Repeat("AB", 20), "/parcel.tar?size=0", "/parcel.tar?size=-1", "/parcel.tar?size=99999999999999999999",
		"/parcel.tar?after=x", "/parcel.tar?after=..%2f..%2fetc", "/parcel.tar?after=%22", "/parcel.tar?reviewer=%0d%0aX:1", "/return", "/x",
	} {
		if response, _ := get(t, c, wrong); response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", wrong, response.StatusCode)
		}
	}
	if list := events(); len(list) != 0 {
		t.Errorf("events %q", list)
	}
}

// What breaks is told to the admin by a fixed name, and to nobody else.
func TestFailures(t *testing.T) {
	s := newServer(t)
	s.err = errors.New("a secret")
	c, events := serve(t, s)
	for _, path := range []string{"/", "/parcels", "/parcel.tar"} {
		if response, body := get(t, c, path); response.StatusCode != http.StatusInternalServerError || strings.Contains(body, "secret") {
			t.Errorf("%s: %d, %s", path, response.StatusCode, body)
		}
	}
	if got := strings.Join(events(), " "); got != "page_failed page_failed parcel_failed" {
		t.Errorf("events %q", got)
	}
}

func upload(t *testing.T, c *http.Client, write func(*multipart.Writer)) (*http.Response, string, error) {
	t.Helper()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		write(form)
		w.CloseWithError(form.Close())
	}()
	response, err := c.Post(site+"/return?lang=en", form.FormDataContentType(), r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// A return parcel streams through, and the page says what became of it.
func TestUpload(t *testing.T) {
	s := newServer(t)
	c, events := serve(t, s)
	var got bytes.Buffer
	s.apply = func(r io.Reader) (Outcome, error) {
		got.Reset()
		_, err := io.Copy(&got, r)
		return Outcome{Again: got.Len() == 0, Acknowledged: 2, Deleted: 1, Refused: 3, Reasons: map[string]int{"role": 2, "full": 1}}, err
	}
	content := bytes.Repeat([]byte("--boundary\r\n\x00"), 300_000)
	send := func(content []byte) func(*multipart.Writer) {
		return func(f *multipart.Writer) {
			if w, err := f.CreateFormFile("parcel", "../return.tar"); err == nil {
				_, _ = w.Write(content) // the server may have closed
			}
		}
	}
	response, page, err := upload(t, c, send(content))
	if err != nil || response.StatusCode != http.StatusOK || !bytes.Equal(got.Bytes(), content) {
		t.Fatalf("%v, %v, %d of %d bytes", response, err, got.Len(), len(content))
	}
	for _, want := range []string{"2 submissions acknowledged.", "1 submission deleted for good.", "3 things were refused:", "not on the roster of its channel: 2.", "as it may: 1."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	if _, page, err = upload(t, c, send(nil)); err != nil || !strings.Contains(page, "had been applied before") {
		t.Errorf("again: %v, %s", err, page)
	}
	for want, write := range map[string]func(*multipart.Writer){
		"No file was chosen.":                       func(*multipart.Writer) {},
		"No file was chosen. ":                      func(f *multipart.Writer) { _ = f.WriteField("parcel", "text") },
		"number 3, and number 2 is expected. Bring": send(content),
	} {
		s.apply = func(io.Reader) (Outcome, error) {
			return Outcome{}, &Refusal{Reason: RefusedMissing, Got: 3, Expected: 2}
		}
		response, page, err := upload(t, c, write)
		if err != nil || response.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(page, strings.TrimSpace(want)) || !strings.Contains(page, "Nothing of it was done") {
			t.Errorf("%s: %v, %s", want, err, page)
		}
	}
	s.apply = func(io.Reader) (Outcome, error) { return Outcome{}, errors.New("a secret") }
	if response, page, err := upload(t, c, send(nil)); err != nil || response.StatusCode != http.StatusInternalServerError || strings.Contains(page, "secret") {
		t.Errorf("%v, %s", err, page)
	}
	if got := strings.Join(events(), " "); got != "apply_failed" {
		t.Errorf("events %q", got)
	}
}

// Every reason has a text in both languages.
func TestRefusalsAreExplained(t *testing.T) {
	s := newServer(t)
	c, _ := serve(t, s)
	for _, reason := range []string{RefusedOther, RefusedServer, RefusedStranger, RefusedSignature, RefusedKey, RefusedCutOff, RefusedOlder, RefusedMissing, RefusedRestored, RefusedLog, RefusedLarge, RefusedNothing} {
		s.apply = func(io.Reader) (Outcome, error) {
			return Outcome{}, &Refusal{Reason: reason, Got: 1, Expected: 2}
		}
		_, page, err := upload(t, c, func(f *multipart.Writer) { _, _ = f.CreateFormFile("parcel", "x") })
		if err != nil || strings.Contains(page, "[refused") || strings.Contains(page, "{{") {
			t.Errorf("%s: %v, %s", reason, err, page)
		}
	}
}

// Whatever is uploaded, no more is read than the largest parcel takes.
func TestHugeUpload(t *testing.T) {
	s := newServer(t)
	c, _ := serve(t, s)
	var read int64
	s.apply = func(r io.Reader) (done Outcome, err error) {
		read, err = io.Copy(io.Discard, r)
		return done, err
	}
	if maxUpload < order.MaxReturn+order.MaxDeletions+2*order.MaxSignature+order.MaxFiles+(order.MaxReplies+order.MaxEnvelopes)*1024+1<<20 {
		t.Error("the largest return parcel would be refused")
	}
	zeros := make([]byte, 1<<20)
	response, _, err := upload(t, c, func(f *multipart.Writer) {
		w, err := f.CreateFormFile("parcel", "x")
		for n := 0; n < 400 && err == nil; n++ {
			_, err = w.Write(zeros)
		}
	})
	if err == nil && response.StatusCode != http.StatusUnprocessableEntity || read > maxUpload {
		t.Errorf("%v, %v, %d bytes were read", response, err, read)
	}
}
