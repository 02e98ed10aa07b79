package onion

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func mustKey(t testing.TB) ServiceKey {
	t.Helper()
	k, err := NewServiceKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestServiceKeyFile(t *testing.T) {
	k := mustKey(t)
	file := k.Marshal()
	if len(file) != len(keyPrefix)+88+1 || !bytes.HasSuffix(file, []byte("\n")) {
		t.Errorf("file has another form than documented: %d bytes", len(file))
	}
	for _, f := range [][]byte{file, bytes.TrimSuffix(file, []byte("\n"))} {
		back, err := ParseServiceKey(f)
		if err != nil || back != k || back.Address() != k.Address() {
			t.Errorf("key came back changed: %v", err)
		}
	}
	if mustKey(t) == k {
		t.Error("two new keys are equal")
	}
}

func TestParseServiceKeyRefuses(t *testing.T) {
	good := string(mustKey(t).Marshal())
	unclamped := [64]byte{1}
	for name, in := range map[string]string{
		"empty":           "",
		"prefix only":     keyPrefix,
		"other type":      strings.Replace(good, "ED25519-V3", "RSA1024", 1),
		"truncated":       good[:50],
		"one byte short":  good[:len(good)-5] + "\n",
		"twice":           good + good,
		"two line breaks": good + "\n",
		"carriage return": strings.TrimSuffix(good, "\n") + "\r\n",
		"line break in":   good[:40] + "\n" + good[40:],
		"all zero":        keyPrefix + base64.StdEncoding.EncodeToString(make([]byte, 64)),
		"unclamped":       keyPrefix + base64.StdEncoding.EncodeToString(unclamped[:]),
		"huge":            keyPrefix + strings.Repeat("A", 1<<20),
	} {
		_, err := ParseServiceKey([]byte(in))
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if len(err.Error()) > 120 || len(in) > 20 && strings.Contains(err.Error(), in[15:20]) {
			t.Errorf("%s: the error quotes the file", name)
		}
	}
}

func TestPrintingKeepsTheServiceKey(t *testing.T) {
	k := mustKey(t)
	for _, f := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{k, &k, Service{Key: k}, []ServiceKey{k}} {
			out := fmt.Sprintf(f, v)
			for _, secret := range []string{k.blob()[20:60], hex.EncodeToString(k.expanded[:8]), strings.Trim(fmt.Sprint(k.expanded[:8]), "[]")} {
				if strings.Contains(out, secret) {
					t.Errorf("%s of %T prints the secret", f, v)
				}
			}
		}
	}
}

func FuzzParseServiceKey(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte(keyPrefix))
	f.Add(mustKey(f).Marshal())
	f.Fuzz(func(t *testing.T, file []byte) {
		k, err := ParseServiceKey(file)
		if err == nil && !bytes.Equal(k.Marshal(), append(bytes.TrimSuffix(file, []byte("\n")), '\n')) {
			t.Errorf("%q re-encodes differently", file)
		}
	})
}
