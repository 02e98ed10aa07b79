package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sourdine/cmd/internal/cli"
	journalist "sourdine/journalist-ui"
	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/preview"
)

// A victim is a desk that is lied to, with its command line and its pages.
type victim struct {
	t     *testing.T
	scene *scene
	home  string
	pass  string
}

func newVictim(t *testing.T, s *scene) *victim {
	t.Helper()
	v := &victim{t: t, scene: s, home: desktest.NewHome(t), pass: filepath.Join(t.TempDir(), "pass")}
	if err := errors.Join(shut(v.home), os.WriteFile(v.pass, []byte(desktest.Passphrase+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return v
}

// run runs a command in this process, which keeps its network: what sealing does
// is other tests' matter.
func (v *victim) run(args ...string) (code int, out, errOut string) {
	v.t.Helper()
	cmd := root()
	cmd.PersistentPreRunE = nil
	var o, e bytes.Buffer
	args = append(args, "--home", v.home, "--passphrase-file", v.pass)
	code = cli.Run(v.t.Context(), cmd, explain, args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// file puts bytes into a file, as on a stick.
func (v *victim) file(content []byte) string {
	v.t.Helper()
	path := filepath.Join(v.t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		v.t.Fatal(err)
	}
	return path
}

// imports takes in a parcel in which nothing is wrong.
func (v *victim) imports(parcel []byte) {
	v.t.Helper()
	if code, _, errOut := v.run("import", v.file(parcel)); code != 0 {
		v.t.Fatalf("exit code %d: %s", code, errOut)
	}
}

// wrong are the lines that say what is wrong, and notes, submissions by their
// messages. Each must be followed by what to do.
func (v *victim) wrong(output string) []string {
	v.t.Helper()
	var found []string
	lines := strings.Split(output, "\n")
	for i, line := range lines {
		says, ok := strings.CutPrefix(line, "wrong: ")
		if !ok && !strings.HasPrefix(line, note) {
			continue
		}
		if i+1 == len(lines) || !strings.HasPrefix(lines[i+1], "  hint: ") {
			v.t.Errorf("nobody says what to do about: %s", line)
		}
		for message, id := range v.scene.ids {
			says = strings.ReplaceAll(says, id, message)
		}
		found = append(found, says)
	}
	slices.Sort(found)
	return found
}

const note = "note: "

// here are the messages of what is at the desk, and of what is marked there.
func (v *victim) here() (taken, apart []string) {
	v.t.Helper()
	_, raw, _ := v.run("list", "--json")
	var all []casebook.Submission
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		v.t.Fatal(err)
	}
	_, list, _ := v.run("list")
	for _, s := range all {
		_, after, ok := strings.Cut(list, s.ID)
		if !ok {
			v.t.Errorf("%s is not listed", s.ID)
		}
		_, next, _ := strings.Cut(after, "\n")
		if strings.HasPrefix(next, "  ! ") {
			apart = append(apart, v.scene.messageOf(s.ID))
		} else {
			taken = append(taken, v.scene.messageOf(s.ID))
		}
	}
	slices.Sort(taken)
	slices.Sort(apart)
	return taken, apart
}

// acknowledged is how many submissions the server is told of as being here.
func (v *victim) acknowledged() string {
	v.t.Helper()
	_, _, errOut := v.run("return", "-o", filepath.Join(v.t.TempDir(), "return.tar"))
	_, after, _ := strings.Cut(errOut, ": ")
	n, _, _ := strings.Cut(after, " acknowledged")
	return n
}

// pages is a browser on the desk's pages. They are read as people read them:
// every blank is one.
func (v *victim) pages() (page func(path string) string) {
	v.t.Helper()
	const address = "127.0.0.1:8082"
	exe, err := os.Executable()
	if err != nil {
		v.t.Fatal(err)
	}
	site, err := journalist.New(journalist.Config{
		Address: address, Desk: desktest.Open(v.t, v.home), Preview: preview.New(exe, workerCommand),
		Failed: func(err error) { v.t.Errorf("the pages failed: %v", err) },
	})
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { site.Close() })
	var cookies []*http.Cookie
	get := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = address
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		return w
	}
	cookies = get(strings.TrimPrefix(site.URL(), "http://"+address)).Result().Cookies()
	return func(path string) string { return readable(get(path).Body.String()) }
}

func readable(page string) string {
	return strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(html.UnescapeString(page))
}
