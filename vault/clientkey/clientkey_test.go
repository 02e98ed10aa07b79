package clientkey

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func mustNew(t testing.TB) Private {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParseRefuses(t *testing.T) {
	good := mustNew(t).Public().String()
	hostile := map[string]string{
		"empty":           "",
		"short":           good[:51],
		"long":            good + "A",
		"huge":            strings.Repeat("A", 1<<20),
		"lower case":      strings.ToLower(good),
		"padding":         good[:50] + "==",
		"space":           " " + good[1:],
		"line break":      good[:51] + "\n",
		"not base32":      good[:51] + "1",
		"second spelling": good[:51] + "B",
		"control line":    good[:20] + "\r\nSIGNAL HALT\r\n" + good[35:],
	}
	for name, in := range hostile {
		if _, err := ParsePublic(in); err == nil {
			t.Errorf("%s: ParsePublic accepted it", name)
		} else if in != "" && strings.Contains(err.Error(), in) {
			t.Errorf("%s: the error quotes its input", name)
		}
		if _, err := ParsePrivate(in); err == nil {
			t.Errorf("%s: ParsePrivate accepted it", name)
		}
	}
}

// The u-coordinates of small order, and one that is not reduced; see the list
// at https://cr.yp.to/ecdh.html#validate.
func TestParsePublicRefusesWeakPoints(t *testing.T) {
	points := []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	}
	for _, p := range points {
		b, err := hex.DecodeString(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParsePublic(encode(b)); err == nil {
			t.Errorf("accepted %s", p)
		}
	}
	if (Public{}).Check() == nil {
		t.Error("the zero value passes for a key")
	}
}

// Vectors of RFC 7748, section 6.1.
func TestPublicOfRFC7748(t *testing.T) {
	pairs := map[string]string{
		"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a": "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
		"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb": "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
	}
	for priv, pub := range pairs {
		b, _ := hex.DecodeString(priv)
		k, err := ParsePrivate(encode(b))
		if err != nil {
			t.Fatal(err)
		}
		want, _ := hex.DecodeString(pub)
		if got := k.Public().String(); got != encode(want) {
			t.Errorf("public half of %s… is %s", priv[:8], got)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	k := mustNew(t)
	back, err := ParsePrivate(k.Encode())
	if err != nil || back != k {
		t.Fatalf("private key came back changed: %v", err)
	}
	pub, err := ParsePublic(k.Public().String())
	if err != nil || !pub.Equal(k.Public()) {
		t.Fatalf("public key came back changed: %v", err)
	}
	if pub.Equal(mustNew(t).Public()) || pub.Equal(Public{}) {
		t.Error("different keys compare equal")
	}
}

func TestForms(t *testing.T) {
	k := mustNew(t)
	if got, want := k.Public().AuthLine(), "descriptor:x25519:"+k.Public().String(); got != want {
		t.Errorf("AuthLine = %q, want %q", got, want)
	}
	line := k.AuthLine("abc.onion")
	if want := "abc:descriptor:x25519:" + k.Encode(); line != want || k.AuthLine("abc") != want {
		t.Errorf("private AuthLine has another form than tor's")
	}
}

func TestPrintingKeepsTheSecret(t *testing.T) {
	k := mustNew(t)
	holder := struct{ Key Private }{k}
	for _, f := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{k, &k, holder} {
			out := fmt.Sprintf(f, v)
			if strings.Contains(out, k.Encode()) || strings.Contains(out, hex.EncodeToString(k.b[:])) ||
				strings.Contains(out, fmt.Sprint(k.b[:])) || strings.Contains(out, fmt.Sprintf("%d", k.b)) {
				t.Errorf("%s of %T prints the secret", f, v)
			}
		}
	}
}

func FuzzParsePublic(f *testing.F) {
	f.Add("")
	f.Add(mustNew(f).Public().String())
	f.Add(strings.Repeat("A", 52))
	f.Add(strings.Repeat("7", 52))
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParsePublic(s)
		if err == nil && k.String() != s {
			t.Errorf("%q re-encodes to %q", s, k)
		}
	})
}
