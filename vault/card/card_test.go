package card_test

import (
	"strings"
	"testing"

	"sourdine/vault/card"
)

func TestRoundTrip(t *testing.T) {
	want := card.Card{Version: 1, Name: "Élise Nice", Certificate: "-----BEGIN PGP…", ClientKey: "ABC"}
	raw, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := card.Parse(raw)
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestBareCertificate(t *testing.T) {
	got, err := card.Parse([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"))
	if err != nil || got.Name != "" || got.ClientKey != "" || got.Certificate == "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, raw := range map[string]string{
		"empty":          "",
		"not JSON":       "{",
		"other version":  `{"sourdine_card":2,"name":"a","certificate":"x"}`,
		"no version":     `{"name":"a","certificate":"x"}`,
		"no name":        `{"sourdine_card":1,"certificate":"x"}`,
		"control":        `{"sourdine_card":1,"name":"a\u001b[2J","certificate":"x"}`,
		"right to left":  `{"sourdine_card":1,"name":"a\u202eb","certificate":"x"}`,
		"long name":      `{"sourdine_card":1,"name":"` + strings.Repeat("a", 65) + `","certificate":"x"}`,
		"no certificate": `{"sourdine_card":1,"name":"a"}`,
		"huge":           strings.Repeat(" ", card.MaxSize+1),
	} {
		if c, err := card.Parse([]byte(raw)); err == nil {
			t.Errorf("%s: accepted as %+v", name, c)
		}
	}
}
