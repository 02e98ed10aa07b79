package translog_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"sourdine/vault/translog"
)

// The law of all of these: accepted input re-encodes to the same bytes.

func FuzzDecode(f *testing.F) {
	for _, s := range spellings {
		f.Add([]byte(s.text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		leaf, err := translog.Decode(raw)
		if err != nil {
			return
		}
		again, err := translog.Encode(leaf)
		if err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%q is encoded again as %q, %v", raw, again, err)
		}
	})
}

// Signature lines are not ours to encode again: other keys' are ignored.
func FuzzOpenCheckpoint(f *testing.F) {
	f.Add([]byte(goodText + "\n" + goodLine))
	f.Add([]byte(goodText + "\n— witness.example AAAAAAAAAAAA\n" + goodLine))
	f.Add([]byte(goodText))
	f.Fuzz(func(t *testing.T, signed []byte) {
		c, err := translog.OpenCheckpoint(signed, vaultKey)
		if err == nil && !bytes.HasPrefix(signed, []byte(c.Text()+"\n— ")) {
			t.Fatalf("%q is encoded again as %q", signed, c.Text())
		}
	})
}

// The vault's signature on a text does not make it a checkpoint.
func FuzzSignedText(f *testing.F) {
	f.Add(goodText)
	f.Add(origin + "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
	f.Add(goodText + "more\n")
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasSuffix(text, "\n") {
			return
		}
		c, err := translog.OpenCheckpoint([]byte(signText(t, text, secret)), vaultKey)
		if err != nil {
			return
		}
		if c.Text() != text {
			t.Fatalf("%q is encoded again as %q", text, c.Text())
		}
		if _, err := c.Sign(secret); err != nil {
			t.Fatalf("%q was accepted, and cannot be signed: %v", text, err)
		}
	})
}

// Of these two the law holds but for blanks.
func FuzzHashes(f *testing.F) {
	f.Add([]byte(hashList(2)))
	f.Add([]byte(`{"v":1,"size":3,"hashes":` + hashList(2) + `}`))
	f.Add([]byte(`{ "v": 1, "size": 0, "hashes": [ ] }`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var blankless bytes.Buffer
		_ = json.Compact(&blankless, raw)
		var p translog.Proof
		if json.Unmarshal(raw, &p) == nil && !bytes.Equal(encoded(t, p), blankless.Bytes()) {
			t.Fatalf("%q is encoded again as %q", raw, encoded(t, p))
		}
		var frontier translog.Frontier
		if json.Unmarshal(raw, &frontier) == nil && !bytes.Equal(encoded(t, frontier), blankless.Bytes()) {
			t.Fatalf("%q is encoded again as %q", raw, encoded(t, frontier))
		}
	})
}
