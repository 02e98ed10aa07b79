package pickup

import (
	"context"
	"errors"
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

func serve(t *testing.T, export func(context.Context, io.Writer) error) (url string, events *[]string) {
	t.Helper()
	events = new([]string)
	site, err := New(export, func(name string) { *events = append(*events, name) })
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
	url, _ := serve(t, func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "parcel")
		return err
	})
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
	url, events := serve(t, func(_ context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
		return errors.New("the disk failed")
	})
	if _, _, err := get(t, url+"/parcel.tar"); err == nil {
		t.Error("a part was given as if it were whole")
	}
	if len(*events) != 1 || (*events)[0] != "parcel_failed" {
		t.Errorf("events %q", *events)
	}
}
