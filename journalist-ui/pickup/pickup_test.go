package pickup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sourdine/vault/lang/langtest"
)

func TestCatalogues(t *testing.T) {
	used := map[string]bool{}
	langtest.Find(t, used, files, "templates/*.html", `\.Text "(\w+)"`)
	langtest.Check(t, used, 8, files)
}

// parcels is a vault that is cut into parts.
type parcels struct {
	parts  []string
	export func(ctx context.Context, w io.Writer, after string) error
}

func (p parcels) Parts(context.Context) ([]string, error) {
	if p.parts == nil {
		return nil, errors.New("the disk failed")
	}
	return p.parts, nil
}

func (p parcels) Export(ctx context.Context, w io.Writer, after string) error {
	return p.export(ctx, w, after)
}

func serve(t *testing.T, p parcels) (url string, events *[]string) {
	t.Helper()
	events = new([]string)
	site, err := New(p, func(name string) { *events = append(*events, name) })
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(site.Handler())
	t.Cleanup(server.Close)
	return server.URL, events
}

func get(t *testing.T, url string) (*http.Response, string, error) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func TestPages(t *testing.T) {
	url, _ := serve(t, parcels{[]string{""}, func(_ context.Context, w io.Writer, _ string) error {
		_, err := io.WriteString(w, "parcel")
		return err
	}})
	for path, want := range map[string]string{"/?lang=fr": "Retirer un colis", "/?lang=en": "Pick up a parcel", "/style.css": "color-scheme", "/parcel.tar": "parcel"} {
		response, body, err := get(t, url+path)
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %v, %.200s", path, err, body)
			continue
		}
		if response.Header.Get("Date") != "" || response.Header.Get("Set-Cookie") != "" || !strings.HasPrefix(response.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: headers %v", path, response.Header)
		}
	}
}

// A parcel that fails on its way is broken off: nobody takes a part for the
// whole.
func TestBrokenParcel(t *testing.T) {
	url, events := serve(t, parcels{nil, func(_ context.Context, w io.Writer, _ string) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
		return errors.New("the disk failed")
	}})
	if _, _, err := get(t, url+"/parcel.tar"); err == nil {
		t.Error("a part was given as if it were whole")
	}
	if len(*events) != 1 || (*events)[0] != "parcel_failed" {
		t.Errorf("events %q", *events)
	}
}

// A vault that is too large for one parcel has a link for each; one that is not
// has one button.
func TestParts(t *testing.T) {
	const second, third = "aaaaaaaaaaaaaaaaaaaaaaaaaa", "zzzzzzzzzzzzzzzzzzzzzzzzza"
	echo := func(_ context.Context, w io.Writer, after string) error {
		_, err := io.WriteString(w, "after "+after)
		return err
	}
	url, _ := serve(t, parcels{[]string{"", second, third}, echo})
	_, page, err := get(t, url+"/?lang=en")
	if err != nil {
		t.Fatal(err)
	}
	for n, link := range []string{"/parcel.tar", "/parcel.tar?after=" + second, "/parcel.tar?after=" + third} {
		if !strings.Contains(page, fmt.Sprintf(`href="%s">Download part %d</a>`, link, n+1)) {
			t.Errorf("no link to %s: %s", link, page)
		}
	}
	response, body, err := get(t, url+"/parcel.tar?after="+third)
	if err != nil || body != "after "+third || !strings.Contains(response.Header.Get("Content-Disposition"), third) {
		t.Errorf("%q, %v, %v", body, response.Header, err)
	}
	for _, wrong := range []string{"x", "..%2f..%2fetc", third + "a", "%22", strings.ToUpper(second)} {
		if response, body, err := get(t, url+"/parcel.tar?after="+wrong); err != nil || response.StatusCode != http.StatusNotFound || strings.Contains(body, "after") {
			t.Errorf("after=%s: %v, %q", wrong, err, body)
		}
	}
	url, _ = serve(t, parcels{[]string{""}, echo})
	if _, page, err := get(t, url+"/?lang=fr"); err != nil || strings.Contains(page, "partie") || strings.Count(page, "parcel.tar\"") != 1 {
		t.Errorf("%v, %s", err, page)
	}
	url, events := serve(t, parcels{nil, echo})
	if response, _, err := get(t, url+"/"); err != nil || response.StatusCode != http.StatusInternalServerError || len(*events) != 1 {
		t.Errorf("%v, events %q", err, *events)
	}
}
