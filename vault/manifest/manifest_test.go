package manifest_test

import (
	"bytes"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"sourdine/vault/manifest"
)

const digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestRoundTrip(t *testing.T) {
	for _, m := range []manifest.Manifest{
		{},
		{Language: "fr", Message: "Ci-joint le marché. <b>&\u2028\x00"},
		{Message: strings.Repeat("\x01", manifest.MaxMessage)},
		{Mailbox: []byte{1, 2}, Items: []manifest.Item{
			{N: 1, Name: "../../état civil «№1».pdf", Size: 3, SHA256: digest, Type: "application/pdf"},
			{N: 2, Name: strings.Repeat("é", manifest.MaxName/2), SHA256: digest},
		}},
	} {
		raw, err := m.Encode()
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		got, err := manifest.Parse(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("Parse: %v", err)
		}
		m.Version = manifest.Version
		if m.Items == nil {
			m.Items = []manifest.Item{}
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("got %.200v, want %.200v", got, m)
		}
	}
}

// A manifest of empty items is refused at the first: five million of them would
// take hundreds of megabytes.
func TestManifestBomb(t *testing.T) {
	bomb := `{"version":1,"items":[` + strings.Repeat("{},", 5_000_000) + `{}]}`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := manifest.Parse(strings.NewReader(bomb)); err == nil {
		t.Error("accepted")
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8*manifest.MaxSize {
		t.Errorf("refusing it took %d MiB", took>>20)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, raw := range map[string]string{
		"empty":         "",
		"not JSON":      "secret text",
		"other version": `{"version":2}`,
		"no digest":     `{"version":1,"items":[{"n":1}]}`,
		"wrong number":  `{"version":1,"items":[{"n":2,"sha256":"` + digest + `"}]}`,
		"negative size": `{"version":1,"items":[{"n":1,"size":-1,"sha256":"` + digest + `"}]}`,
		"huge":          `{"version":1,"message":"` + strings.Repeat("a", manifest.MaxSize) + `"}`,
		"long message":  `{"version":1,"message":"` + strings.Repeat("a", manifest.MaxMessage+1) + `"}`,
	} {
		if _, err := manifest.Parse(strings.NewReader(raw)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error quotes the source: %v", name, err)
		}
	}
}
