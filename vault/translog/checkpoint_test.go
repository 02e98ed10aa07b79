package translog_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault/translog"
)

// The checkpoint of the eight leaves of the test vectors, written by hand; the
// signature was made with OpenSSL.
const (
	goodText = "sourdine/vault/0123abcd\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
	goodLine = "— sourdine/vault/0123abcd 3W+BDWU/w6cUNt34Y60wfuLd/+1cgs6Fq4P6zYF3iDEwlmydt42s2azDGlsWJJ8MdZZBkAN9mklafP4lrqMIS2/aFQs=\n"
)

func goodCheckpoint(t testing.TB) translog.Checkpoint {
	t.Helper()
	return translog.Checkpoint{Origin: origin, Size: 8, Root: unhex(t, vectorRoots[8])}
}

func TestCheckpointByHand(t *testing.T) {
	c := goodCheckpoint(t)
	signed, err := c.Sign(secret)
	if err != nil || string(signed) != goodText+"\n"+goodLine {
		t.Errorf("signed as\n%s, want\n%s, %v", signed, goodText+"\n"+goodLine, err)
	}
	got, err := translog.OpenCheckpoint([]byte(goodText+"\n"+goodLine), vaultKey)
	if err != nil || got != c {
		t.Errorf("opened as %v, %v", got, err)
	}
	// Another program reads it.
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + strings.TrimPrefix(goodText, origin+"\n")))
	if err != nil || tree.N != c.Size || tree.Hash != c.Root {
		t.Errorf("package tlog reads %v, %v", tree, err)
	}
}

func TestCheckpointsComeBack(t *testing.T) {
	for _, c := range []translog.Checkpoint{
		head(t, 0, nil),
		{Origin: origin, Size: 1, Root: tlog.Hash{}},
		{Origin: origin, Size: 9_999_999, Root: tlog.Hash{255}},
		{Origin: origin, Size: translog.MaxSize, Root: tlog.RecordHash(nil)},
	} {
		signed, err := c.Sign(secret)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := translog.OpenCheckpoint(signed, vaultKey); err != nil || got != c {
			t.Errorf("%v comes back as %v, %v", c, got, err)
		}
	}
}

// signText signs any text as the vault would.
func signText(t testing.TB, text, secret string) string {
	t.Helper()
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// anotherKey is a key of that name that is not the vault's.
func anotherKey(t testing.TB, name string) (secret, public string) {
	t.Helper()
	seed := [32]byte{1, 2, 3}
	public, err := note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Split(public, "+")[1]
	return fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, id, base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))), public
}

// What the vault signed, and yet is not a checkpoint of its log.
func TestSignedNonsenseIsRefused(t *testing.T) {
	const rootText = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="
	for what, text := range map[string]string{
		"nothing":             "\n",
		"origin only":         origin + "\n",
		"no root":             origin + "\n8\n",
		"empty root":          origin + "\n8\n\n",
		"extension line":      goodText + "more\n",
		"empty line":          goodText + "\n",
		"line before":         "\n" + goodText,
		"another origin":      "sourdine/vault/0123abce\n8\n" + rootText + "\n",
		"longer origin":       origin + "0\n8\n" + rootText + "\n",
		"origin in capitals":  "sourdine/vault/0123ABCD\n8\n" + rootText + "\n",
		"origin with blank":   origin + " \n8\n" + rootText + "\n",
		"no origin":           "\n8\n" + rootText + "\n",
		"no size":             origin + "\n\n" + rootText + "\n",
		"leading zero":        origin + "\n08\n" + rootText + "\n",
		"two zeros":           origin + "\n00\n" + rootText + "\n",
		"sign":                origin + "\n+8\n" + rootText + "\n",
		"minus":               origin + "\n-8\n" + rootText + "\n",
		"minus zero":          origin + "\n-0\n" + rootText + "\n",
		"hexadecimal":         origin + "\n0x8\n" + rootText + "\n",
		"underscore":          origin + "\n1_0\n" + rootText + "\n",
		"other digits":        origin + "\n٨\n" + rootText + "\n",
		"blank":               origin + "\n8 \n" + rootText + "\n",
		"too large":           origin + "\n1099511627777\n" + rootText + "\n",
		"more than 63 bits":   origin + "\n9223372036854775808\n" + rootText + "\n",
		"many digits":         origin + "\n" + strings.Repeat("9", 1000) + "\n" + rootText + "\n",
		"wrong empty log":     origin + "\n0\n" + rootText + "\n",
		"short root":          origin + "\n8\n" + strings.Repeat("A", 40) + "\n",
		"long root":           origin + "\n8\n" + strings.Repeat("A", 44) + "\n",
		"root without end":    origin + "\n8\n" + rootText[:43] + "\n",
		"root with loose bit": origin + "\n8\n" + rootText[:42] + "h=\n",
		"root in URL letters": origin + "\n8\n" + strings.ReplaceAll(strings.ReplaceAll(rootText, "+", "-"), "/", "_") + "\n",
		"root and blank":      origin + "\n8\n" + rootText + " \n",
	} {
		c, err := translog.OpenCheckpoint([]byte(signText(t, text, secret)), vaultKey)
		refused(t, what, err)
		if errors.Is(err, translog.ErrSignature) || c != (translog.Checkpoint{}) {
			t.Errorf("%s: %v, %v", what, c, err)
		}
	}
}

func TestUnsignedIsRefused(t *testing.T) {
	sameName, _ := anotherKey(t, origin)
	otherName, _ := anotherKey(t, "sourdine/vault/ffffffff")
	good := goodText + "\n" + goodLine
	for what, signed := range map[string]string{
		"nothing":               "",
		"text only":             goodText,
		"no signature":          goodText + "\n",
		"another key":           signText(t, goodText, otherName),
		"another key's name":    signText(t, goodText, sameName),
		"trailing text":         good + "more\n",
		"trailing blank":        good + " ",
		"trailing line":         good + "\n",
		"no last line break":    strings.TrimSuffix(good, "\n"),
		"Windows line breaks":   strings.ReplaceAll(good, "\n", "\r\n"),
		"another size":          strings.Replace(good, "\n8\n", "\n9\n", 1),
		"another signed text":   goodText[:len(goodText)-1] + "\n\n\n" + goodLine,
		"hyphen":                strings.Replace(good, "—", "-", 1),
		"signature bit":         strings.Replace(good, "FQs=\n", "FQo=\n", 1),
		"other key's signature": goodText + "\n" + strings.Replace(goodLine, "3W+BDW", "3W+BDX", 1),
		"not UTF-8":             "\xff" + good,
		"too many signatures":   goodText + "\n" + strings.Repeat("— a AAAAAAAA\n", 101) + goodLine,
		"too large":             goodText + "\n" + strings.Repeat("— "+strings.Repeat("a", 1000)+" AAAAAAAA\n", 65) + goodLine,
	} {
		c, err := translog.OpenCheckpoint([]byte(signed), vaultKey)
		if !errors.Is(err, translog.ErrSignature) || c != (translog.Checkpoint{}) {
			t.Errorf("%s: %v, %v", what, c, err)
		}
	}
}

func TestSignaturesOfOthersAreIgnored(t *testing.T) {
	other, public := anotherKey(t, "sourdine/vault/ffffffff")
	theirs := strings.TrimPrefix(signText(t, goodText, other), goodText+"\n")
	forged := "— witness.example AAAAAAAAAAAA\n"
	for what, signed := range map[string]string{
		"before":       goodText + "\n" + theirs + goodLine,
		"behind":       goodText + "\n" + goodLine + theirs,
		"forged":       goodText + "\n" + forged + goodLine,
		"ours twice":   goodText + "\n" + goodLine + goodLine,
		"a hundredish": goodText + "\n" + strings.Repeat(forged, 99) + goodLine,
	} {
		c, err := translog.OpenCheckpoint([]byte(signed), vaultKey)
		if err != nil || c != goodCheckpoint(t) {
			t.Errorf("%s: %v, %v", what, c, err)
		}
	}
	// The other vault did sign it; the log is still not the other vault's.
	_, err := translog.OpenCheckpoint([]byte(goodText+"\n"+theirs+goodLine), public)
	refused(t, "another vault's log", err)
	if errors.Is(err, translog.ErrSignature) {
		t.Errorf("another vault's log: %v", err)
	}
}

func TestOrigin(t *testing.T) {
	if got, err := translog.Origin(vaultKey); err != nil || got != origin {
		t.Errorf("%s, %v", got, err)
	}
	_, otherForm := anotherKey(t, "example.com/log")
	_, longer := anotherKey(t, origin+"0")
	for what, key := range map[string]string{
		"nothing":         "",
		"secret":          secret,
		"another name":    otherForm,
		"a longer name":   longer,
		"a wrong id":      strings.Replace(vaultKey, "dd6f810d", "dd6f810e", 1),
		"a wrong key":     vaultKey[:len(vaultKey)-1] + "b",
		"capitals":        strings.Replace(vaultKey, "dd6f810d", "DD6F810D", 1),
		"a line break":    vaultKey + "\n",
		"another line":    "x\n" + vaultKey,
		"without the key": origin + "+dd6f810d+",
	} {
		_, err := translog.Origin(key)
		refused(t, what, err)
		_, err = translog.OpenCheckpoint([]byte(goodText+"\n"+goodLine), key)
		refused(t, what, err)
	}
}

func TestSignRefuses(t *testing.T) {
	foreign, _ := anotherKey(t, "example.com/log")
	other, _ := anotherKey(t, "sourdine/vault/ffffffff")
	good := goodCheckpoint(t)
	elsewhere := good
	elsewhere.Origin = "example.com/log"
	for what, try := range map[string]struct {
		c   translog.Checkpoint
		key string
	}{
		"no key":               {good, ""},
		"a public key":         {good, vaultKey},
		"another vault's key":  {good, other},
		"not a vault's key":    {elsewhere, foreign},
		"no origin":            {translog.Checkpoint{Size: 8, Root: good.Root}, secret},
		"a wrong empty log":    {translog.Checkpoint{Origin: origin}, secret},
		"two lines for origin": {translog.Checkpoint{Origin: origin + "\n8", Size: 8, Root: good.Root}, secret},
	} {
		signed, err := try.c.Sign(try.key)
		refused(t, what, err)
		if signed != nil || err != nil && strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %q, %v", what, signed, err)
		}
	}
	if !reflect.DeepEqual(good, goodCheckpoint(t)) {
		t.Error("signing changed the checkpoint")
	}
}
