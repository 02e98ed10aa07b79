package submit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sourdine/submit"
	"sourdine/vault"
	"sourdine/vault/manifest"
	"sourdine/vault/vaulttest"
)

// A site is the real site on a real vault, behind a real connection.
type site struct {
	t     *testing.T
	vault *vault.Vault
	path  string // of the vault
	key   vaulttest.Key
	url   string
	log   []string
}

func newSite(t *testing.T, limits submit.Limits) *site {
	t.Helper()
	s := &site{t: t, key: vaulttest.NewKey(t, vaulttest.PostQuantum)}
	s.vault, s.path = vaulttest.NewVaultAt(t)
	for _, name := range []string{"Nice", "Lille"} {
		if err := s.vault.AddChannel(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	s.staff("Nice")
	handler, err := submit.New(submit.Config{Vault: s.vault, Limits: limits, Event: func(e string) { s.log = append(s.log, e) }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler.Handler())
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// staff gives a channel its only reviewer.
func (s *site) staff(channel string) {
	s.t.Helper()
	member := vault.Member{Fingerprint: strings.Repeat("F", 64), Certificate: s.key.Certificate(s.t)}
	if _, err := s.vault.AddMember(s.t.Context(), channel, member); err != nil {
		s.t.Fatal(err)
	}
}

// answer is what a browser gets.
type answer struct {
	status int
	page   string
	header http.Header
}

func (s *site) do(method, path, kind string, body io.Reader) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", "fr")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response.StatusCode, string(page), response.Header}
}

var hiddenWords = regexp.MustCompile(`name="passphrase" value="([^"]+)"`)

func (s *site) words() string {
	s.t.Helper()
	a := s.do(http.MethodPost, "/send", "", nil)
	found := hiddenWords.FindStringSubmatch(a.page)
	if found == nil {
		s.t.Fatalf("the form has no passphrase: %d", a.status)
	}
	return found[1]
}

// A field is a part of a form; one with a file name is a file.
type field struct {
	name, fileName, content string
}

func form(fields ...field) (kind string, body *bytes.Buffer) {
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, f := range fields {
		disposition := fmt.Sprintf(`form-data; name="%s"`, f.name)
		if f.fileName != "" || f.name == "files" {
			disposition += fmt.Sprintf(`; filename="%s"`, f.fileName)
		}
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}})
		if err != nil {
			panic(err)
		}
		io.WriteString(part, f.content)
	}
	w.Close()
	return w.FormDataContentType(), body
}

func (s *site) submit(fields ...field) answer {
	s.t.Helper()
	kind, body := form(fields...)
	return s.do(http.MethodPost, "/submit", kind, body)
}

func (s *site) stored() []vault.Entry {
	s.t.Helper()
	var entries []vault.Entry
	for e, err := range s.vault.Entries() {
		if err != nil {
			s.t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

// open decrypts an item with the reviewer's key, as a desk does.
func (s *site) open(e vault.Entry, item int) []byte {
	s.t.Helper()
	envelope, err := s.vault.Envelope(e.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	payload, err := s.vault.Payload(e, item)
	if err != nil {
		s.t.Fatal(err)
	}
	plain, err := s.key.Open(envelope, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	return plain
}

func (s *site) manifest(e vault.Entry) manifest.Manifest {
	s.t.Helper()
	var m manifest.Manifest
	if err := json.Unmarshal(s.open(e, 0), &m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

const hostileName = `../../état civil «№1».pdf`

func TestSubmission(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	words := s.words()
	big := strings.Repeat("0123456789abcdef", 40_000)
	a := s.submit(field{"passphrase", "", words}, field{"channel", "", "Nice"}, field{"message", "", "Bonjour.\r\nCi-joint."},
		field{"files", hostileName, "un"}, field{"files", "empty.txt", ""}, field{"files", "big.bin", big}, field{"files", "", ""})
	if a.status != http.StatusOK || !strings.Contains(a.page, "<h1>Reçu</h1>") || !strings.Contains(a.page, "état civil «№1».pdf") {
		t.Fatalf("status %d, page %s", a.status, a.page)
	}
	entries := s.stored()
	if len(entries) != 1 || entries[0].Channel != "Nice" || entries[0].Epoch != 1 || len(entries[0].Payloads) != 4 {
		t.Fatalf("stored %+v", entries)
	}
	m := s.manifest(entries[0])
	if m.Message != "Bonjour.\r\nCi-joint." || m.Language != "fr" || len(m.Items) != 3 || len(m.Mailbox) == 0 {
		t.Errorf("manifest %+v", m)
	}
	for i, want := range []struct{ name, content string }{{hostileName, "un"}, {"empty.txt", ""}, {"big.bin", big}} {
		if m.Items[i].Name != want.name || m.Items[i].Size != int64(len(want.content)) {
			t.Errorf("item %d: %+v", i+1, m.Items[i])
		}
		if got := s.open(entries[0], i+1); string(got) != want.content {
			t.Errorf("item %d came back changed", i+1)
		}
	}
	if len(s.log) != 0 {
		t.Errorf("a submission was logged: %q", s.log)
	}
	s.checkMailbox(words)
}

// checkMailbox opens the mailbox as the source types it: capitals, no accents
// needed, more blanks.
func (s *site) checkMailbox(words string) {
	s.t.Helper()
	typed := url.Values{"passphrase": {"  " + strings.ToUpper(words) + "\n"}}.Encode()
	a := s.do(http.MethodPost, "/mailbox", "application/x-www-form-urlencoded", strings.NewReader(typed))
	if a.status != http.StatusOK || !strings.Contains(a.page, "big.bin") || !strings.Contains(a.page, "640 ko") || !strings.Contains(a.page, "Nice") {
		s.t.Errorf("mailbox: status %d, page %s", a.status, a.page)
	}
}

// Everything that is refused is refused in French, with its status, and leaves
// nothing.
func TestRefusals(t *testing.T) {
	limits := submit.Limits{File: 100_000, Total: 3 << 20, Files: 3}
	s := newSite(t, limits)
	words := field{"passphrase", "", s.words()}
	nice := field{"channel", "", "Nice"}
	message := field{"message", "", "Bonjour"}
	file := func(name string, size int) field { return field{"files", name, strings.Repeat("x", size)} }
	for name, c := range map[string]struct {
		fields []field
		status int
		text   string
	}{
		"nothing at all":      {nil, 400, "n’est pas connu ici"},
		"empty":               {[]field{words, nice, {"message", "", " \r\n "}, {"files", "", ""}}, 400, "ni message, ni fichier"},
		"unknown channel":     {[]field{words, {"channel", "", "Lyon"}, message}, 400, "n’est pas connu ici"},
		"channel of nobody":   {[]field{words, {"channel", "", "Lille"}, message}, 503, "ne peut pas recevoir"},
		"no channel":          {[]field{words, message}, 400, "n’est pas connu ici"},
		"huge channel":        {[]field{words, {"channel", "", strings.Repeat("N", 5000)}, message}, 400, "n’est pas connu ici"},
		"no passphrase":       {[]field{nice, message}, 400, "huit mots manquaient"},
		"wrong passphrase":    {[]field{{"passphrase", "", "un deux"}, nice, message}, 400, "huit mots manquaient"},
		"passphrase twice":    {[]field{words, words, nice, message}, 400, "huit mots manquaient"},
		"channel twice":       {[]field{words, nice, nice, message}, 400, "n’a pas pu être lu"},
		"message twice":       {[]field{words, nice, message, message}, 400, "n’a pas pu être lu"},
		"file before channel": {[]field{words, file("a", 1), nice}, 400, "n’a pas pu être lu"},
		"nameless content":    {[]field{words, nice, {"files", "", "x"}}, 400, "n’a pas pu être lu"},
		"message over 1 MiB":  {[]field{words, nice, {"message", "", strings.Repeat("m", 1<<20+1)}}, 413, "message est trop long"},
		"message not UTF-8":   {[]field{words, nice, {"message", "", strings.Repeat("\xff.", 400_000)}}, 413, "message est trop long"},
		"too many files":      {[]field{words, nice, file("a", 1), file("b", 1), file("c", 1), file("d", 1)}, 413, "trop de fichiers"},
		"file too large":      {[]field{words, nice, file("a", 100_001)}, 413, "Un des fichiers est trop gros"},
		"body too large":      {[]field{words, nice, {"x", "", ""}, file("a", 3<<20)}, 413, "trop gros"},
		"long name":           {[]field{words, nice, file(strings.Repeat("n", 4097), 1)}, 413, "nom de fichier est trop long"},
		"many unknown fields": {append([]field{words, nice, message}, make([]field, 10_000)...), 400, "n’a pas pu être lu"},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.submit(c.fields...)
			if a.status != c.status || !strings.Contains(a.page, c.text) || !strings.Contains(a.page, `<html lang="fr">`) {
				t.Errorf("status %d, want %d with %q; page %.2000s", a.status, c.status, c.text, a.page)
			}
		})
	}
	if n := len(s.stored()); n != 0 {
		t.Errorf("%d submissions were stored", n)
	}
	for _, e := range s.log {
		t.Errorf("logged %q", e)
	}
}

// What is at a limit is taken.
func TestLimitsAreReached(t *testing.T) {
	s := newSite(t, submit.Limits{File: 100_000, Total: 8 << 20, Files: 3})
	name := strings.Repeat("é", 2048)
	a := s.submit(field{"passphrase", "", s.words()}, field{"channel", "", "Nice"}, field{"message", "", strings.Repeat("m", 1<<20)},
		field{"files", name, strings.Repeat("x", 100_000)}, field{"files", "b", "1"}, field{"files", "c", "2"})
	if a.status != http.StatusOK {
		t.Fatalf("status %d, page %.2000s", a.status, a.page)
	}
	m := s.manifest(s.stored()[0])
	if len(m.Message) != 1<<20 || m.Items[0].Name != name || m.Items[0].Size != 100_000 {
		t.Errorf("message of %d bytes, items %.200v", len(m.Message), m.Items)
	}
}

func TestBodiesThatAreNoForm(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	kind, whole := form(field{"passphrase", "", s.words()}, field{"channel", "", "Nice"}, field{"files", "a", strings.Repeat("x", 300_000)})
	raw := whole.Bytes()
	// open is a form with a message, and then the given end.
	words := s.words()
	open := func(end string) []byte {
		var b strings.Builder
		for _, f := range []field{{"passphrase", "", words}, {"channel", "", "Nice"}, {"message", "", "Bonjour"}} {
			fmt.Fprintf(&b, "\r\n--B\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s", f.name, f.content)
		}
		return []byte(strings.TrimPrefix(b.String(), "\r\n") + end)
	}
	if a := s.do(http.MethodPost, "/submit", "multipart/form-data; boundary=B", bytes.NewReader(open("\r\n--B--\r\n"))); a.status != http.StatusOK {
		t.Fatalf("the whole form that the others are cut from: %d", a.status)
	}
	for name, c := range map[string]struct {
		kind string
		body []byte
	}{
		"no type":                       {"", raw},
		"urlencoded":                    {"application/x-www-form-urlencoded", []byte("channel=Nice&message=x")},
		"no boundary":                   {"multipart/form-data", raw},
		"other boundary":                {"multipart/form-data; boundary=zzz", raw},
		"empty":                         {kind, nil},
		"cut in the file":               {kind, raw[:len(raw)/2]},
		"cut at the end":                {kind, raw[:len(raw)-4]},
		"cut in a header":               {kind, raw[:60]},
		"ends in a boundary that opens": {"multipart/form-data; boundary=B", open("\r\n--B\r\n")},
		"ends in a part's header":       {"multipart/form-data; boundary=B", open("\r\n--B\r\nContent-Disposition: form-data; name=\"files\"; filename=\"b\"\r\n")},
		"words after the end":           {"multipart/form-data; boundary=B", open("\r\n--B--\r\nmore")},
		"endless header":                {"multipart/form-data; boundary=B", open("\r\n--B\r\nContent-Disposition: form-data; name=\"x\"\r\nX: " + strings.Repeat("x", 1<<20))},
		"garbage":                       {kind, bytes.Repeat([]byte{0xff, 0, '\r', '\n'}, 50_000)},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.do(http.MethodPost, "/submit", c.kind, bytes.NewReader(c.body))
			if a.status != http.StatusBadRequest || !strings.Contains(a.page, "Rien n’a été gardé") {
				t.Errorf("status %d, page %.1500s", a.status, a.page)
			}
		})
	}
	if stats, err := s.vault.Stats(); err != nil || stats.Submissions != 1 || stats.Drafts != 0 {
		t.Errorf("%+v, %v", stats, err)
	}
}

// A hundred of the longest names that JSON or HTML would blow up: the receipt
// comes, and the mailbox opens.
func TestLongestNames(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	words := s.words()
	fields := []field{{"passphrase", "", words}, {"channel", "", "Nice"}}
	for range 100 {
		fields = append(fields, field{"files", strings.Repeat("&", 4096), "x"})
	}
	if a := s.submit(fields...); a.status != http.StatusOK {
		t.Fatalf("status %d", a.status)
	}
	a := s.do(http.MethodPost, "/mailbox", "application/x-www-form-urlencoded", strings.NewReader("passphrase="+url.QueryEscape(words)))
	if a.status != http.StatusOK || strings.Count(a.page, "&amp;&amp;…</bdi>") != 100 {
		t.Errorf("mailbox: %d, %d names", a.status, strings.Count(a.page, "…</bdi>"))
	}
}

func TestPagesInBothLanguages(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	for path, texts := range map[string][2]string{
		"/":             {"Transmettre un document", "Send a document"},
		"/mailbox":      {"Ouvrir ma boîte", "Open my mailbox"},
		"/no/such/page": {"Cette page n’existe pas", "This page does not exist"},
	} {
		if a := s.do(http.MethodGet, path, "", nil); !strings.Contains(a.page, texts[0]) {
			t.Errorf("%s is not French: %.500s", path, a.page)
		}
		if a := s.do(http.MethodGet, path+"?lang=en", "", nil); !strings.Contains(a.page, texts[1]) {
			t.Errorf("%s is not English: %.500s", path, a.page)
		}
	}
	a := s.do(http.MethodGet, "/", "", nil)
	if strings.Contains(a.page, "Lille") {
		t.Error("a channel that nobody can read is offered")
	}
	if len(a.page) > 14<<10 {
		t.Errorf("the first page has %d bytes", len(a.page))
	}
	if a := s.do(http.MethodGet, "/submit", "", nil); a.status != http.StatusSeeOther || a.header.Get("Location") != "/" {
		t.Errorf("reloading the receipt: %d to %s", a.status, a.header.Get("Location"))
	}
	if a := s.do(http.MethodDelete, "/submit", "", nil); a.status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", a.status)
	}
}

// An unknown mailbox, a damaged passphrase and an empty one get one answer.
func TestMailboxDoor(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	var pages []string
	for _, typed := range []string{s.words(), "abaisser", "", strings.Repeat("a", 3000)} {
		a := s.do(http.MethodPost, "/mailbox", "application/x-www-form-urlencoded", strings.NewReader(url.Values{"passphrase": {typed}}.Encode()))
		if a.status != http.StatusNotFound {
			t.Errorf("status %d", a.status)
		}
		pages = append(pages, a.page)
	}
	for _, p := range pages[1:] {
		if p != pages[0] {
			t.Error("a wrong passphrase and an unknown one are answered differently")
		}
	}
	if a := s.do(http.MethodPost, "/mailbox", "application/x-www-form-urlencoded", strings.NewReader(strings.Repeat("a", 10_000))); a.status != http.StatusBadRequest {
		t.Errorf("a huge form: %d", a.status)
	}
}

// Promise 6 and the silence of headers, on every kind of answer.
func TestNoScriptCookieOrThirdParty(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	words := s.words()
	for name, a := range map[string]answer{
		"home":    s.do(http.MethodGet, "/", "", nil),
		"form":    s.do(http.MethodPost, "/send", "", nil),
		"receipt": s.submit(field{"passphrase", "", words}, field{"channel", "", "Nice"}, field{"message", "", "x"}),
		"mailbox": s.do(http.MethodPost, "/mailbox", "application/x-www-form-urlencoded", strings.NewReader("passphrase="+url.QueryEscape(words))),
		"problem": s.do(http.MethodGet, "/none", "", nil),
	} {
		for _, h := range []string{"Set-Cookie", "Server", "Date", "Etag", "Last-Modified"} {
			if v := a.header.Get(h); v != "" {
				t.Errorf("%s: header %s: %s", name, h, v)
			}
		}
		if policy := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", name, policy)
		}
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be stored", name)
		}
		for _, bad := range []string{"<script", "<img", "<svg", "<link", "http://", "https://", " on" + "click", "javascript:"} {
			if strings.Contains(strings.ToLower(a.page), bad) {
				t.Errorf("%s holds %q", name, bad)
			}
		}
	}
}

// Names and words of sources are text, whatever they look like.
func TestHostileNamesAreShownAsText(t *testing.T) {
	s := newSite(t, submit.DefaultLimits)
	a := s.submit(field{"passphrase", "", s.words()}, field{"channel", "", "Nice"},
		field{"files", `<b onmouseover=alert(1)>.pdf`, "x"}, field{"files", "\u202egpj.exe", "y"}, field{"files", "\xff\xfe", "z"})
	if a.status != http.StatusOK || strings.Contains(a.page, "<b onmouse") {
		t.Errorf("status %d, page %s", a.status, a.page)
	}
	if m := s.manifest(s.stored()[0]); m.Items[1].Name != "\u202egpj.exe" || m.Items[2].Name != "\ufffd" {
		t.Errorf("names %q, %q", m.Items[1].Name, m.Items[2].Name)
	}
}
