package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/rogpeppe/go-internal/testscript"
	bolt "go.etcd.io/bbolt"

	"sourdine/vault"
	"sourdine/vault/card"
	"sourdine/vault/clientkey"
	"sourdine/vault/vaulttest"
)

// setup gives every script the cards in it: alice.card (made like a desk's),
// and certificates without a card: old.pgp (v4), secret.pgp, weak.pgp,
// expired.pgp.
func setup(t *testing.T) func(*testscript.Env) error {
	client, err := clientkey.New()
	if err != nil {
		t.Fatal(err)
	}
	alice := vaulttest.NewKey(t, vaulttest.PostQuantum)
	rawCard, err := card.Card{Name: "Alice", Certificate: armored(t, alice), ClientKey: client.Public().String()}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	past := vaulttest.V4
	past.Time, past.KeyLifetimeSecs = func() time.Time { return time.Now().AddDate(-1, 0, 0) }, 60
	old := vaulttest.NewKey(t, vaulttest.V4)
	var secret bytes.Buffer
	if err := old.Entity.SerializePrivateWithoutSigning(&secret, nil); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"alice.card": rawCard, "old.pgp": old.Certificate(t), "secret.pgp": secret.Bytes(),
		"weak.pgp":    vaulttest.NewKey(t, packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048}).Certificate(t),
		"expired.pgp": vaulttest.NewKey(t, past).Certificate(t),
	}
	return func(env *testscript.Env) error {
		env.Values["held"] = map[string]*vault.Vault{}
		env.Values["alice"] = alice
		env.Setenv("ALICE", fmt.Sprintf("%X", alice.Entity.PrimaryKey.Fingerprint))
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(env.WorkDir, name), content, 0o600); err != nil {
				return err
			}
		}
		return nil
	}
}

type command = func(ts *testscript.TestScript, neg bool, args []string)

func commands(*testing.T) map[string]command {
	return map[string]command{
		"fails":   fails,
		"await":   await,
		"files":   files,
		"send":    send,
		"begin":   begin,
		"hold":    hold,
		"version": version,
		"returns": returns,
		"upload":  upload,
		"ranges":  ranges,
		// await_drafts HOME N: waits until the running server has so many.
		"await_drafts": func(ts *testscript.TestScript, _ bool, args []string) {
			for range 20 {
				ts.Check(ts.Exec("sourdine", "status", "--home", args[0]))
				if strings.Contains(ts.ReadFile("stdout"), "arriving:     "+args[1]+"\n") {
					return
				}
			}
			ts.Fatalf("there are not %s drafts", args[1])
		},
		// get URL: reads a page or a parcel to its end.
		"get": func(ts *testscript.TestScript, neg bool, args []string) {
			response, err := http.Get(args[0])
			ts.Check(err)
			defer response.Body.Close()
			if _, err := io.Copy(io.Discard, response.Body); err != nil || (response.StatusCode != http.StatusOK) != neg {
				ts.Fatalf("status %d, %v", response.StatusCode, err)
			}
		},
		// fill FILE TEXT N: writes the text N times.
		"fill": func(ts *testscript.TestScript, _ bool, args []string) {
			n, err := strconv.Atoi(args[2])
			ts.Check(err)
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte(args[1]), n), 0o600))
		},
		// capture VARIABLE PATTERN: sets it to what the pattern's group found in
		// the last standard output.
		"capture": func(ts *testscript.TestScript, _ bool, args []string) {
			found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
			if found == nil {
				ts.Fatalf("%q is not in the output", args[1])
			}
			ts.Setenv(args[0], found[1])
		},
		// sleep TIME: waits for so long.
		"sleep": func(ts *testscript.TestScript, _ bool, args []string) {
			d, err := time.ParseDuration(args[0])
			ts.Check(err)
			time.Sleep(d)
		},
		"rot": rot,
		// check HOME: reads the vault as FORMAT.md says.
		"check": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(vaulttest.Check(ts.MkAbs(args[0] + "/vault.db")))
		},
	}
}

var errorLines = regexp.MustCompile(`\Aerror: ([A-Z|]{4,} |[^A-Z\n])[^\n]*[^.\n]\n(hint: [^\n]*[^.\n]\n)?\z`)

// fails CODE PROGRAM ARG...: runs a program that must exit with that code, in
// the voice of package cli: one line of error, at most one of hint, and
// nothing on standard output.
func fails(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != want {
		ts.Fatalf("want exit code %d, got: %v", want, err)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("it failed, and wrote %q to standard output", out)
	}
	if text := ts.ReadFile("stderr"); !errorLines.MatchString(text) || len(text) > 600 {
		ts.Fatalf("the error is not in the program's voice: %q", text)
	}
}

// await FILE PATTERN: waits until the file has it, at most ten seconds.
func await(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[1])
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		raw, _ := os.ReadFile(ts.MkAbs(args[0]))
		if found := pattern.FindSubmatch(raw); found != nil {
			if len(found) > 1 {
				ts.Setenv("FOUND", string(found[1]))
			}
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s did not come to hold %q:\n%s", args[0], args[1], raw)
		}
	}
}

// files DIR NAME...: the folder holds these and nothing else.
func files(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := slices.Sorted(slices.Values(args[1:])); !slices.Equal(names, want) {
		ts.Fatalf("%s holds %q, want %q", args[0], names, want)
	}
}

var hiddenWords = regexp.MustCompile(`name="passphrase" value="([^"]+)"`)

// words asks the site for a passphrase.
func words(ts *testscript.TestScript, site string) string {
	response, err := http.Post(site+"send?lang=en", "application/x-www-form-urlencoded", nil)
	ts.Check(err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	ts.Check(err)
	found := hiddenWords.FindSubmatch(page)
	if found == nil {
		ts.Fatalf("the form has no passphrase, status %d", response.StatusCode)
	}
	return string(found[1])
}

// form is a source's form up to the content of its one file.
func form(ts *testscript.TestScript, site, channel string) (*multipart.Writer, *bytes.Buffer) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	ts.Check(errors.Join(w.WriteField("passphrase", words(ts, site)), w.WriteField("channel", channel), w.WriteField("message", "bonjour")))
	_, err := w.CreateFormFile("files", "a.bin")
	ts.Check(err)
	return w, &b
}

// send SITE CHANNEL BYTES: sends a message and a file, and gets a receipt; "! send"
// is told that it cannot be kept now.
func send(ts *testscript.TestScript, neg bool, args []string) {
	size, err := strconv.Atoi(args[2])
	ts.Check(err)
	w, body := form(ts, args[0], args[1])
	body.Write(make([]byte, size))
	ts.Check(w.Close())
	response, err := http.Post(args[0]+"submit?lang=en", w.FormDataContentType(), body)
	ts.Check(err)
	page, err := io.ReadAll(response.Body)
	response.Body.Close()
	want, says := http.StatusOK, "<title>Received</title>"
	if neg {
		want, says = http.StatusServiceUnavailable, "cannot store anything at the moment"
	}
	if err != nil || response.StatusCode != want || !strings.Contains(string(page), says) {
		ts.Fatalf("status %d, %v: %s", response.StatusCode, err, page)
	}
}

// begin SITE CHANNEL BYTES: sends as send does, and stays silent after so many
// bytes of the file until the script ends.
func begin(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.Atoi(args[2])
	ts.Check(err)
	w, body := form(ts, args[0], args[1])
	body.Write(make([]byte, size))
	site, err := url.Parse(args[0])
	ts.Check(err)
	connection, err := net.Dial("tcp", site.Host)
	ts.Check(err)
	ts.Defer(func() { connection.Close() })
	_, err = fmt.Fprintf(connection, "POST /submit HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		site.Host, w.FormDataContentType(), body.Len()+size)
	ts.Check(err)
	_, err = connection.Write(body.Bytes())
	ts.Check(err)
}

// hold HOME: opens the vault and answers nobody, until "! hold HOME".
func hold(ts *testscript.TestScript, neg bool, args []string) {
	held := ts.Value("held").(map[string]*vault.Vault)
	if neg {
		ts.Check(held[args[0]].Close())
		return
	}
	v, err := vault.Open(ts.MkAbs(args[0] + "/vault.db"))
	ts.Check(err)
	ts.Defer(func() { v.Close() })
	held[args[0]] = v
}

// version HOME N: makes the vault one of another version.
func version(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	db, err := bolt.Open(ts.MkAbs(args[0]+"/vault.db"), 0o600, nil)
	ts.Check(err)
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("version"), []byte{0, 0, 0, byte(n)})
	})
	ts.Check(errors.Join(err, db.Close()))
}

// rot HOME BUCKET: a bit flips in the first value of a bucket of the vault, or in
// that of the first bucket in it; in the last one of the envelopes.
func rot(ts *testscript.TestScript, _ bool, args []string) {
	db, err := bolt.Open(ts.MkAbs(args[0]+"/vault.db"), 0o600, &bolt.Options{NoFreelistSync: true})
	ts.Check(err)
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(args[1]))
		k, stored := b.Cursor().First()
		if args[1] == "envelopes" {
			k, stored = b.Cursor().Last()
		}
		if stored == nil {
			b = b.Bucket(k)
			k, stored = b.Cursor().First()
		}
		stored = bytes.Clone(stored)
		stored[len(stored)/2] ^= 4
		return b.Put(bytes.Clone(k), stored)
	})
	ts.Check(errors.Join(err, db.Close()))
}

func armored(t *testing.T, k vaulttest.Key) string {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err == nil {
		err = errors.Join(k.Entity.Serialize(w), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
