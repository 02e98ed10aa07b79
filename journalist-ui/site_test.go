package journalist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/preview"
	"sourdine/journalist-ui/preview/sandbox"
	"sourdine/vault"
)

func TestMain(m *testing.M) {
	if sandbox.WithCgo {
		fmt.Println("--- SKIP: all of this package: the sandbox is not made for cgo; run make quick, or set CGO_ENABLED=0")
		os.Exit(0)
	}
	if len(os.Args) == 2 && os.Args[1] == "preview-worker" {
		os.Exit(preview.RunWorker())
	}
	os.Exit(m.Run())
}

const address = "127.0.0.1:8082"

// A reader is a browser: it keeps its cookies and says where it is.
type reader struct {
	t       *testing.T
	site    *Site
	cookies map[string]*http.Cookie
	headers map[string]string
}

// newSite serves a desk, or one that is locked.
func newSite(t *testing.T, d *desk.Desk, unlock func(context.Context, []byte) (*desk.Desk, error)) *Site {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	previewer := preview.New(exe, "preview-worker")
	previewer.Timeout = time.Minute // machines that test do much else
	site, err := New(Config{
		Address: address, Desk: d, Unlock: unlock, Preview: previewer,
		Failed: func(err error) { t.Errorf("the site failed: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	})
	return site
}

// open is a reader who used the one-time address.
func open(t *testing.T, site *Site) *reader {
	t.Helper()
	r := &reader{t: t, site: site, cookies: map[string]*http.Cookie{}, headers: map[string]string{"Accept-Language": "en"}}
	if got := r.get(strings.TrimPrefix(site.URL(), "http://"+address)); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/" {
		t.Fatalf("the one-time address gave %d", got.Code)
	}
	return r
}

func (r *reader) do(req *http.Request) *httptest.ResponseRecorder {
	r.t.Helper()
	req.Host = address
	for _, c := range r.cookies {
		req.AddCookie(c)
	}
	for k, v := range r.headers {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	r.site.ServeHTTP(w, req)
	for _, c := range w.Result().Cookies() {
		r.cookies[c.Name] = c
	}
	return w
}

func (r *reader) get(path string) *httptest.ResponseRecorder {
	r.t.Helper()
	return r.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (r *reader) post(path string, form url.Values) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "http://"+address)
	return r.do(req)
}

// page gets a page that must be there and hold every want.
func (r *reader) page(path string, wants ...string) string {
	r.t.Helper()
	got := r.get(path)
	body := got.Body.String()
	if got.Code != http.StatusOK || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/html") {
		r.t.Fatalf("%s: %d %s", path, got.Code, body)
	}
	for _, want := range wants {
		if !strings.Contains(body, want) {
			r.t.Errorf("%s lacks %q:\n%s", path, want, body)
		}
	}
	return body
}

// problem gets a page that must tell of a problem.
func (r *reader) problem(got *httptest.ResponseRecorder, status int, want string) {
	r.t.Helper()
	if got.Code != status || !strings.Contains(got.Body.String(), want) {
		r.t.Errorf("got %d, want %d and %q:\n%s", got.Code, status, want, got.Body)
	}
}

var picture = func() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 640, 400))
	for i := range img.Pix {
		img.Pix[i] = byte(i / 7)
	}
	img.Set(1, 1, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}()

const (
	hostileName    = "../../<script>alert(1)</script>\n\u202egnp.exe"
	hostileMessage = "<script>alert(2)</script>\nseconde ligne \u202e<b>&"
)

// filled is a desk with one submission of files that are text, a picture, and
// neither.
func filled(t *testing.T) (d *desk.Desk, id string) {
	t.Helper()
	home := desktest.NewHome(t)
	d = desktest.Open(t, home)
	v := desktest.NewVault(t)
	v.Day = "2026-01-31"
	id = v.Submit(desktest.Certificate(t, home), hostileMessage,
		desktest.File{Name: hostileName, Type: "text/html\"><script>", Data: []byte("<script>alert(3)</script>\nbonjour \u202e")},
		desktest.File{Name: "plan.png", Type: "image/png", Data: picture},
		desktest.File{Name: "état civil «№1».pdf", Type: "application/pdf", Data: []byte("%PDF-1.7\n")},
		desktest.File{},
	)
	importAll(t, d, v)
	return d, id
}

func importAll(t *testing.T, d *desk.Desk, v *desktest.Vault) {
	t.Helper()
	if _, err := d.Import(t.Context(), bytes.NewReader(v.Parcel())); err != nil {
		t.Fatal(err)
	}
}

func TestEmptyDesk(t *testing.T) {
	r := open(t, newSite(t, desktest.New(t), nil))
	r.page("/", "Nothing has come to this desk yet", "sourdine-desk import")
	r.page("/records", "There is no record yet")
	r.page("/records/new", "Create the record")
	r.problem(r.get("/submissions/aaaaaaaaaaaaaaaaaaaaaaaaaa"), http.StatusNotFound, "not at this desk")
	r.problem(r.get("/records/00000-00000"), http.StatusNotFound, "not at this desk")
	for _, path := range []string{"/nowhere", "/submissions/", "/submissions/..%2f..", "/../../etc/passwd", "//", "/submissions/aaaaaaaaaaaaaaaaaaaaaaaaaa/0", "/?before=zzzzz", "/records?before=zzzzz"} {
		r.problem(r.get(path), http.StatusNotFound, "That did not work")
	}
	r.problem(r.post("/records", nil), http.StatusMethodNotAllowed, "does not answer this request")
}

func TestSubmission(t *testing.T) {
	d, id := filled(t)
	r := open(t, newSite(t, d, nil))
	for _, body := range []string{
		r.page("/", "31 January 2026", "Nice", "&lt;script&gt;alert(2)&lt;/script&gt; seconde ligne ⟨U&#43;202E⟩&lt;b&gt;&amp;", "4 files"),
		r.page("/submissions/"+id, "&lt;script&gt;alert(2)&lt;/script&gt;\nseconde ligne", "../../&lt;script&gt;", "⟨U&#43;202E⟩gnp.exe", "état civil «№1».pdf", "no name", "0 bytes", "text/html&#34;&gt;&lt;script&gt;"),
		r.page("/submissions/"+id+"/1", "&lt;script&gt;alert(3)&lt;/script&gt;\nbonjour ⟨U&#43;202E⟩", "Identical to what the server sealed (SHA-256 checked)", "text/html"),
		r.page("/submissions/"+id+"/1/save", "A document from a stranger can be an attack", "1-script-gnp.exe.bin"),
		r.page("/submissions/"+id+"/2", `<img src="data:image/png;base64,iVBOR`, ">Previous<", ">Next<"),
		r.page("/submissions/"+id+"/3", "This kind of file cannot be shown here without risk", "application/pdf"),
		r.page("/submissions/"+id+"/4", "This file is empty"),
	} {
		if strings.Contains(body, "<script") || strings.Contains(body, "\u202e") || strings.Contains(body, "<b>&") {
			t.Errorf("a text of the source came through:\n%s", body)
		}
	}
	r.problem(r.get("/submissions/"+id+"/5"), http.StatusNotFound, "not at this desk")
}

func TestSave(t *testing.T) {
	d, id := filled(t)
	r := open(t, newSite(t, d, nil))
	for n, want := range map[string]string{"1": "1-script-gnp.exe.bin", "2": "2-plan.png.bin", "3": "3-etat-civil-No1.pdf.bin", "4": "4.bin"} {
		got := r.post("/submissions/"+id+"/"+n+"/save", nil)
		h := got.Header()
		if got.Code != http.StatusOK || h.Get("Content-Type") != "application/octet-stream" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("file %s: %d, %v", n, got.Code, h)
		}
		if disposition := h.Get("Content-Disposition"); disposition != `attachment; filename="`+want+`"` {
			t.Errorf("file %s: %q, want %q", n, disposition, want)
		}
		_, plain, err := d.Item(t.Context(), id, int(n[0]-'0'))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := io.ReadAll(plain)
		if err := errors.Join(err, plain.Close()); err != nil || !bytes.Equal(whole, got.Body.Bytes()) {
			t.Errorf("file %s: %d bytes, %v", n, got.Body.Len(), err)
		}
	}
	if got := r.get("/submissions/" + id + "/1/save"); got.Header().Get("Content-Disposition") != "" {
		t.Error("a link saves without warning")
	}
}

func TestSaveName(t *testing.T) {
	for name, want := range map[string]string{
		"": "1.bin", "..": "1.bin", "../../x": "1-x.bin", `C:\Users\me\a b.doc`: "1-a-b.doc.bin", "a.exe": "1-a.exe.bin",
		"\r\nSet-Cookie: a=b": "1-Set-Cookie-a-b.bin", `"; filename=evil.exe`: "1-filename-evil.exe.bin", "été.JPG": "1-ete.JPG.bin",
		"\u202egnp.exe": "1-gnp.exe.bin", ".bashrc": "1-bashrc.bin", "بلدية.pdf": "1-pdf.bin", "a  .  pdf": "1-a.pdf.bin",
		strings.Repeat("a", 4000) + ".pdf": "1-" + strings.Repeat("a", 56) + ".pdf.bin",
		strings.Repeat(".", 4000):          "1.bin", "x." + strings.Repeat("y", 4000): "1-x." + strings.Repeat("y", 58) + ".bin",
	} {
		if got := saveName(1, name); got != want {
			t.Errorf("%.30q: %q, want %q", name, got, want)
		}
	}
}

// A document that is not the one in its manifest is neither shown nor given out.
func TestForgedDocument(t *testing.T) {
	home := desktest.NewHome(t)
	d := desktest.Open(t, home)
	v := desktest.NewVault(t)
	// The difference is far behind what a preview reads.
	promised := bytes.Repeat([]byte("texte "), 1<<20)
	received := append(bytes.Clone(promised[:len(promised)-1]), '!')
	raw, err := desktest.Manifest("", desktest.File{Name: "a.txt", Data: promised}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := v.Sealer(desktest.Certificate(t, home))
	id := v.Commit(s.Envelope(), v.Seal(s, raw), v.Seal(s, received))
	importAll(t, d, v)
	r := open(t, newSite(t, d, nil))
	for _, got := range []*httptest.ResponseRecorder{r.get("/submissions/" + id + "/1"), r.post("/submissions/"+id+"/1/save", nil)} {
		r.problem(got, http.StatusConflict, "not the one that its manifest describes")
		if strings.Contains(got.Body.String(), "texte") || got.Header().Get("Content-Disposition") != "" {
			t.Error("its bytes were given out")
		}
	}
}

func TestDoubtfulSubmission(t *testing.T) {
	home := desktest.NewHome(t)
	d := desktest.Open(t, home)
	v := desktest.NewVault(t)
	s := v.Sealer(desktest.Certificate(t, home))
	id := v.Commit(s.Envelope(), v.Seal(s, []byte("{}")), v.Seal(s, []byte("le texte")))
	importAll(t, d, v)
	r := open(t, newSite(t, d, nil))
	r.page("/", "doubtful", "No message")
	r.page("/submissions/"+id, "manifest of this submission is damaged", "unknown", "no name")
	r.page("/submissions/"+id+"/1", "le texte", "nothing says whether this is what the server sealed")
	r.problem(r.post("/submissions/"+id+"/attach", url.Values{"item": {"1"}, "record": {"00000-00000"}}), http.StatusNotFound, "")
	if got := r.post("/submissions/"+id+"/1/save", nil); got.Code != http.StatusOK || got.Body.String() != "le texte" {
		t.Errorf("saving: %d %q", got.Code, got.Body)
	}
}

func TestRecords(t *testing.T) {
	d, id := filled(t)
	r := open(t, newSite(t, d, nil))
	r.page("/submissions/"+id, "There is no record yet")
	got := r.post("/records/new", url.Values{
		"title": {"  Reconnaissance <faciale>\t"}, "key": {"ville", "", "note"}, "value": {"Nice", "", "<i>a</i>\nb"},
	})
	at := got.Header().Get("Location")
	if got.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/records/") {
		t.Fatalf("adding: %d %s", got.Code, got.Body)
	}
	r.page(at, "Reconnaissance &lt;faciale&gt;", "ville", "Nice", "&lt;i&gt;a&lt;/i&gt;\nb", "No exhibit")
	r.page("/records", "Reconnaissance &lt;faciale&gt;", "0 exhibits")
	record := strings.TrimPrefix(at, "/records/")
	r.page("/submissions/"+id, `<option value="`+record+`">`)
	for _, n := range []string{"3", "1", "3"} {
		got = r.post("/submissions/"+id+"/attach", url.Values{"item": {n}, "record": {record}})
		if got.Code != http.StatusSeeOther {
			t.Fatalf("attaching %s: %d %s", n, got.Code, got.Body)
		}
	}
	if to := got.Header().Get("Location"); to != at+"#exhibit-1" {
		t.Errorf("attached twice: %s", to)
	}
	r.page(at, `id="exhibit-1"`, "Exhibit 1", "état civil «№1».pdf", "Exhibit 2", "⟨U&#43;202E⟩gnp.exe")
	for _, form := range []url.Values{{"item": {"9"}, "record": {record}}, {"item": {"1"}, "record": {"zzzzz-zzzzz"}}, {"item": {"1"}, "record": {"../x"}}} {
		r.problem(r.post("/submissions/"+id+"/attach", form), http.StatusNotFound, "")
	}
	r.problem(r.post("/submissions/"+id+"/attach", nil), http.StatusBadRequest, "could not be read")
}

func TestNewRecordWithExhibit(t *testing.T) {
	d, id := filled(t)
	r := open(t, newSite(t, d, nil))
	r.page("/records/new?submission="+id+"&item=2", "File no. 2", `value="`+id+`"`)
	got := r.post("/records/new", url.Values{"title": {"Plan"}, "submission": {id}, "item": {"2"}})
	if to := got.Header().Get("Location"); got.Code != http.StatusSeeOther || !strings.HasSuffix(to, "#exhibit-1") {
		t.Fatalf("%d %s", got.Code, to)
	}
	r.page(strings.TrimSuffix(got.Header().Get("Location"), "#exhibit-1"), "plan.png")
}

// What was typed is not lost by a mistake.
func TestRecordMistakes(t *testing.T) {
	r := open(t, newSite(t, desktest.New(t), nil))
	for _, form := range []url.Values{
		{"title": {" "}, "key": {"ville"}, "value": {"Nice \"<"}},
		{"title": {"a\nb"}, "key": {"ville"}, "value": {"Nice \"<"}},
		{"title": {"T"}, "key": {""}, "value": {"Nice \"<"}},
		{"title": {strings.Repeat("a", 501)}, "key": {"ville"}, "value": {"Nice \"<"}},
	} {
		r.problem(r.post("/records/new", form), http.StatusBadRequest, "Nice &#34;&lt;")
	}
	r.problem(r.post("/records/new", url.Values{"title": {strings.Repeat("a", 2<<20)}}), http.StatusBadRequest, "could not be read")
	r.page("/records", "There is no record yet")
}

func TestPaging(t *testing.T) {
	d := desktest.New(t)
	for range perPage + 3 {
		_, err := d.Casebook().AddSubmission(t.Context(), casebook.Submission{ID: vault.NewID().String(), Day: "2026-01-31"})
		if err != nil {
			t.Fatal(err)
		}
	}
	r := open(t, newSite(t, d, nil))
	first := r.page("/", "Older")
	if n := strings.Count(first, "/submissions/"); n != perPage {
		t.Errorf("the first page has %d", n)
	}
	_, rest, _ := strings.Cut(first, `href="?before=`)
	second := r.page("/?before="+rest[:26], "Back to the start")
	if n := strings.Count(second, "/submissions/"); n != 3 || strings.Contains(second, "Older") {
		t.Errorf("the second page has %d", n)
	}
}
