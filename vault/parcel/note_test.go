package parcel_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sourdine/vault/parcel"
)

// withNote is the small parcel with another note.
func withNote(t *testing.T, signed []byte) []byte {
	t.Helper()
	files := smallFiles(t, fixedKey(1))
	files[0] = file("parcel.note", signed)
	return pack(t, files...)
}

func indexBytes(t *testing.T) []byte { return smallFiles(t, fixedKey(1))[1].body }

func TestTrustDecides(t *testing.T) {
	ours, theirs := fixedKey(1), fixedKey(2)
	errOther := errors.New("another vault")
	onlyOurs := func(key string) error {
		if key != ours.public {
			return errOther
		}
		return nil
	}
	if _, err := readAll(bytes.NewReader(pack(t, smallFiles(t, ours)...)), onlyOurs, 512); err != nil {
		t.Errorf("our vault's: %v", err)
	}
	if _, err := readAll(bytes.NewReader(pack(t, smallFiles(t, theirs)...)), onlyOurs, 512); !errors.Is(err, errOther) {
		t.Errorf("another vault's: %v", err)
	}
	// Nothing of the index is read for a key that is not trusted.
	p := pack(t, file("parcel.note", smallFiles(t, theirs)[0].body))
	if _, err := readAll(bytes.NewReader(p), onlyOurs, 512); !errors.Is(err, errOther) {
		t.Errorf("another vault's note alone: %v", err)
	}
}

func TestSignatures(t *testing.T) {
	ours, theirs := fixedKey(1), fixedKey(2)
	text := noteText(ours, indexBytes(t))
	line := func(signed []byte) string { _, l, _ := strings.Cut(string(signed), "\n\n"); return l }
	good, foreign := line(signNote(t, text, ours)), line(signNote(t, text, theirs))
	bad := line(signNote(t, "another text\n", ours))
	for name, c := range map[string]struct {
		note     string
		accepted bool
	}{
		"one signature":                 {text + "\n" + good, true},
		"and a stranger's":              {text + "\n" + good + foreign, true},
		"a stranger's first":            {text + "\n" + foreign + good, true},
		"twice":                         {text + "\n" + good + good, true},
		"a stranger's only":             {text + "\n" + foreign, false},
		"of another text":               {text + "\n" + bad, false},
		"of another text first":         {text + "\n" + bad + good, false},
		"none":                          {text + "\n", false},
		"no blank line":                 {text + good, false},
		"no line break at the end":      {text + "\n" + strings.TrimSpace(good), false},
		"more signatures than a note's": {text + "\n" + good + strings.Repeat(foreign, 200), false},
		"not base64":                    {text + "\n— " + "sourdine/vault/00000001 " + marker + "\n", false},
	} {
		_, err := read(withNote(t, []byte(c.note)))
		if c.accepted != (err == nil) || !c.accepted && !errors.Is(err, parcel.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A note whose text says anything but its three lines is refused, even when
// the vault's key signed it.
func TestNoteTexts(t *testing.T) {
	key := fixedKey(1)
	first, second, third := "sourdine/parcel/v2 outbound\n", key.public+"\n", strings.SplitAfter(noteText(key, indexBytes(t)), "\n")[2]
	for name, text := range map[string]string{
		"version 1":         "sourdine/parcel/v1 outbound\n" + second + third,
		"other version":     "sourdine/parcel/v3 outbound\n" + second + third,
		"other direction":   "sourdine/parcel/v2 return\n" + second + third,
		"very long line":    "sourdine/parcel/" + strings.Repeat("EVIL", 9000) + "\n" + second + third,
		"hostile version":   "sourdine/parcel/EVIL\u202e\n" + second + third,
		"other first line":  "go.sum database tree\n" + second + third,
		"no key":            first + "\n" + third,
		"key swapped":       first + fixedKey(2).public + "\n" + third,
		"hostile key":       first + "EVIL\u202e\u200b+00000000+AAAA\n" + third,
		"key spelt anew":    first + strings.ToUpper(second) + third,
		"no digest":         first + second,
		"empty digest":      first + second + "\n",
		"capital digest":    first + second + strings.ToUpper(third),
		"digest and more":   first + second + strings.TrimSpace(third) + " \n",
		"one line more":     first + second + third + "EVIL\n",
		"lines out of turn": first + third + second,
		"blank line first":  "\n" + first + second + third,
	} {
		refuses(t, name, withNote(t, signNote(t, text, key)), nil)
	}
}

// The key that is shown to the caller has one spelling, whoever signed.
func TestKeySpellings(t *testing.T) {
	key := fixedKey(1)
	for name, public := range map[string]string{
		"carriage return": key.public + "\r", "blank": key.public + " ", "capital hash": strings.Replace(key.public, "+", "+A", 1),
		"other name": "EVIL\x1b[2J+00000000+" + key.public[strings.LastIndex(key.public, "+")+1:], "empty": "", "name only": "sourdine/vault/00000001",
	} {
		text := strings.Replace(noteText(key, indexBytes(t)), key.public, public, 1)
		asked := false
		_, err := readAll(bytes.NewReader(withNote(t, []byte(text+"\n— x AAAAAAAA\n"))), func(string) error { asked = true; return nil }, 512)
		if err == nil || asked {
			t.Errorf("%s: trust was asked: %v, %v", name, asked, err)
		}
	}
}

func TestHugeNote(t *testing.T) {
	key := fixedKey(1)
	index := indexBytes(t)
	signed := signNote(t, noteText(key, index), key)
	full := bytes.Clone(signed)
	for len(full)+len("— w AAAAAAAA\n") <= 64<<10 && bytes.Count(full, []byte("\n")) < 100 {
		full = fmt.Appendf(full, "— w%d %s\n", len(full), strings.Repeat("A", 640))
	}
	if _, err := read(withNote(t, full)); err != nil {
		t.Errorf("a note of %d bytes: %v", len(full), err)
	}
	refuses(t, "too large", withNote(t, append(full, make([]byte, 64<<10)...)), nil)
	_, err := read(withNote(t, make([]byte, 64<<10+1)))
	if err == nil || err.Error() != "the parcel's parcel.note is larger than 65536 bytes" {
		t.Errorf("too large by one byte: %v", err)
	}
}

// Any note verifier checks a parcel's note, without this package.
func TestAnyNoteVerifierReadsIt(t *testing.T) {
	key := fixedKey(1)
	verifier, err := note.NewVerifier(key.public)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(smallFiles(t, key)[0].body, note.VerifierList(verifier))
	if err != nil || n.Text != noteText(key, indexBytes(t)) {
		t.Errorf("%v, %v", n, err)
	}
}
