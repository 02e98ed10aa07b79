package parcel_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/mod/sumdb/note"

	"sourdine/vault"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

var ctx = context.Background()

func trustAll(string) error { return nil }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// A signingKey is a vault's key whose halves belong together.
type signingKey struct{ secret, public string }

// fixedKey is the same at every run, so that a fuzzer's findings stay valid.
func fixedKey(seed byte) signingKey {
	name := "sourdine/vault/0000000" + string('0'+seed)
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	encode := func(b []byte) string { return base64.StdEncoding.EncodeToString(append([]byte{1}, b...)) }
	public := private.Public().(ed25519.PublicKey)
	sum := sha256.Sum256(append([]byte(name+"\n\x01"), public...))
	hash := fmt.Sprintf("%08x", binary.BigEndian.Uint32(sum[:]))
	return signingKey{
		secret: "PRIVATE+KEY+" + name + "+" + hash + "+" + encode(private.Seed()),
		public: name + "+" + hash + "+" + encode(public),
	}
}

// noteText is what a vault signs over an index.
func noteText(key signingKey, index []byte) string {
	return fmt.Sprintf("sourdine/parcel/v2 outbound\n%s\n%x\n", key.public, sha256.Sum256(index))
}

func signNote(t testing.TB, text string, keys ...signingKey) []byte {
	t.Helper()
	var signers []note.Signer
	for _, k := range keys {
		s, err := note.NewSigner(k.secret)
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, s)
	}
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// An entry is one file of a tar.
type entry struct {
	tar.Header
	body []byte
}

func file(name string, body []byte) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(body)), Mode: 0o600}, body}
}

func pack(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sealedFile(b []byte) parcel.Sealed {
	return parcel.Sealed{Size: int64(len(b)), SHA256: fmt.Sprintf("%x", sha256.Sum256(b))}
}

// smallLog are files before the submissions, one of each kind. What stands in
// them is not the reader's to check.
func smallLog() []entry {
	return []entry{
		file("checkpoint", []byte("a checkpoint")), file("leaves.jsonl", []byte("{}\n{}\n")), file("proofs.jsonl", []byte("{}\n")),
		file("rosters/"+goodDigest+".json", []byte("a roster")), file("orders/"+goodDigest+".txt", []byte("an order")),
		file("applied/"+goodFingerprint+".note", []byte("a receipt")),
	}
}

const goodFingerprint = "0123456789ABCDEF0123456789ABCDEF01234567"

func namedFile(e entry) parcel.Named {
	s := sealedFile(e.body)
	return parcel.Named{Name: e.Name, Size: s.Size, SHA256: s.SHA256}
}

// smallFiles are the entries of a parcel with two submissions of a few bytes,
// the same at every run: the note, the index, what smallLog gives, an envelope
// and two payloads, an envelope and a payload.
func smallFiles(t testing.TB, key signingKey) []entry {
	t.Helper()
	return filesOf(t, key, smallLog(), []string{"manifest", "one file"}, []string{"another manifest"})
}

// tinyFiles are as few as there may be, and one submission.
func tinyFiles(t testing.TB) []entry {
	t.Helper()
	return filesOf(t, fixedKey(1), smallLog()[:3], []string{"manifest"})
}

func filesOf(t testing.TB, key signingKey, log []entry, submissions ...[]string) []entry {
	t.Helper()
	index, files := parcel.Index{Version: 2, Size: 9}, log
	for _, f := range files {
		index.Files = append(index.Files, namedFile(f))
	}
	for n, payloads := range submissions {
		id := vault.ID(bytes.Repeat([]byte{byte(n)}, 16)).String()
		s := parcel.Submission{ID: id, Channel: "Nice", Day: day, Epoch: 1, Envelope: sealedFile([]byte("envelope"))}
		files = append(files, file("submissions/"+id+"/envelope.pgp", []byte("envelope")))
		for i, p := range payloads {
			s.Payloads = append(s.Payloads, sealedFile([]byte(p)))
			files = append(files, file(fmt.Sprintf("submissions/%s/%d.pgp", id, i), []byte(p)))
		}
		index.Submissions = append(index.Submissions, s)
	}
	raw, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	return append(signedIndex(t, key, raw), files...)
}

// Where the first sealed file stands in smallFiles.
const firstSealed = 8

// signedIndex are the two entries that begin a parcel.
func signedIndex(t testing.TB, key signingKey, raw []byte) []entry {
	t.Helper()
	return []entry{file("parcel.note", signNote(t, noteText(key, raw), key)), file("index.json", raw)}
}

// A given file is one that a Reader gave out whole.
type given struct {
	name   string
	digest [32]byte
}

// readAll reads a parcel to its end, step bytes at a time, and returns what it
// gave out.
func readAll(r io.Reader, trust func(string) error, step int) ([]given, error) {
	p, err := parcel.Open(r, trust)
	if err != nil {
		return nil, err
	}
	var all []given
	buffer := make([]byte, step)
	for {
		f, err := p.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		h := sha256.New()
		if _, err := io.CopyBuffer(h, struct{ io.Reader }{p}, buffer); err != nil {
			return all, err
		}
		all = append(all, given{f.Name, [32]byte(h.Sum(nil))})
	}
}

func read(p []byte) ([]given, error) { return readAll(bytes.NewReader(p), trustAll, 4096) }

// marker stands in everything that hostile parcels try to bring into an error.
const marker = "\x1b[2JEVIL\u202e"

// refuses checks that a parcel is refused with want (any error when it is nil)
// and in words of our own.
func refuses(t *testing.T, name string, p []byte, want error) {
	t.Helper()
	_, err := read(p)
	if err == nil {
		t.Errorf("%s: accepted", name)
		return
	}
	if want != nil && !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", name, err, want)
	}
	checkText(t, name, err)
}

func checkText(t *testing.T, name string, err error) {
	t.Helper()
	text := err.Error()
	foreign := strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.Contains(text, "tar:")
	if foreign || strings.Contains(text, "EVIL\u202e") || len(text) > 250 {
		t.Errorf("%s: the error's text is not ours: %q", name, text)
	}
}

func newSealer(t *testing.T, to vaulttest.Key) *seal.Sealer {
	t.Helper()
	c, err := seal.ParseCertificate(to.Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.New(seal.Roster{c}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return s
}
