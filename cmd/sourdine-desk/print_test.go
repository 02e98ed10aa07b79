package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"sourdine/journalist-ui/visible"
)

// What is printed drives no terminal, and is the same value to a program.
func TestJSONShowsAll(t *testing.T) {
	for _, text := range []string{
		"", "état civil «№1»", "\u009b2J\u0085\x7f\x1b[2J\n\t", "a\u202egnp.exe", "\u200b\ufeff\u2028", "\U000e0041\U000e0100", `\u202e`, "�", "<b>&",
	} {
		var out bytes.Buffer
		all := func(yield func(string, error) bool) { yield(text, nil) }
		if err := printJSON(&out, all); err != nil {
			t.Fatal(err)
		}
		if !visible.Is(out.String()) {
			t.Errorf("%q is printed as %q", text, out.String())
		}
		var back []string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || len(back) != 1 || back[0] != text {
			t.Errorf("%q came back as %q, %v", text, back, err)
		}
	}
}

func TestJSONStopsAtAnError(t *testing.T) {
	broken := errors.New("broken")
	var out bytes.Buffer
	if err := printJSON(&out, func(yield func(string, error) bool) { yield("", broken) }); !errors.Is(err, broken) {
		t.Errorf("%v, %q", err, out.String())
	}
}
