package lang_test

import (
	"testing"
	"testing/fstest"

	"sourdine/vault/lang"
)

func load(t *testing.T) *lang.Catalogues {
	t.Helper()
	c, err := lang.Load(fstest.MapFS{
		"locale/fr.toml": {Data: []byte("hello = \"Bonjour {{.Name}}\"\nonly = \"seulement\"\n")},
		"locale/en.toml": {Data: []byte("hello = \"Hello {{.Name}}\"\n")},
	}, "locale")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFor(t *testing.T) {
	c := load(t)
	for _, x := range []struct{ asked, accept, want string }{
		{"", "", "fr"}, {"", "fr-CA,en;q=0.5", "fr"}, {"", "de,en;q=0.5", "en"}, {"", "zh", "fr"},
		{"en", "fr", "en"}, {"en-GB", "", "en"}, {"fr", "en", "fr"}, {"nonsense!", "en", "en"},
		{"", "en;q=zzz", "fr"}, {"", string(make([]byte, 10_000)), "fr"},
	} {
		if got := c.For(x.asked, x.accept).Code(); got != x.want {
			t.Errorf("For(%q, %.20q) = %s, want %s", x.asked, x.accept, got, x.want)
		}
	}
}

func TestText(t *testing.T) {
	en := load(t).For("en", "")
	for got, want := range map[string]string{
		en.Text("hello", map[string]any{"Name": "A"}): "Hello A",
		en.Text("only"):    "seulement",
		en.Text("missing"): "[missing]",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBytesAndDay(t *testing.T) {
	c := load(t)
	fr, en := c.For("fr", ""), c.For("en", "")
	for n, want := range map[int64][2]string{
		0: {"0 octet", "0 bytes"}, 1: {"1 octet", "1 byte"}, 999: {"999 octets", "999 bytes"},
		1000: {"1,0 ko", "1.0 kB"}, 9949: {"9,9 ko", "9.9 kB"}, 9950: {"10 ko", "10 kB"},
		999_499: {"999 ko", "999 kB"}, 999_500: {"1,0 Mo", "1.0 MB"}, 4 << 30: {"4,3 Go", "4.3 GB"},
		1 << 62: {"4611686 To", "4611686 TB"},
	} {
		if got := fr.Bytes(n); got != want[0] {
			t.Errorf("%d in French: %q", n, got)
		}
		if got := en.Bytes(n); got != want[1] {
			t.Errorf("%d in English: %q", n, got)
		}
	}
	if got := en.AtMost(4<<30) + ", " + en.AtMost(1<<20) + ", " + en.AtMost(100); got != "4.2 GB, 1.0 MB, 100 bytes" {
		t.Errorf("AtMost: %s", got)
	}
	if got := fr.Day("2026-11-21"); got != "21 novembre 2026" {
		t.Errorf("Day: %q", got)
	}
	if got := fr.Day("2026-01-01") + en.Day("2026-01-01"); got != "1er janvier 2026"+"1 January 2026" {
		t.Errorf("Day: %q", got)
	}
	if got := en.Day("yesterday"); got != "yesterday" {
		t.Errorf("Day: %q", got)
	}
}
