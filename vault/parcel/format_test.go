package parcel_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sourdine/vault/vaulttest"
)

// strictTar cuts a parcel into its files as FORMAT.md, section 1, describes
// it, block by block and without a reader of tars.
type strictTar struct {
	t *testing.T
	p []byte
}

// next returns the next file. Everything of its header is compared.
func (s *strictTar) next(name string) []byte {
	s.t.Helper()
	var size int
	if _, err := fmt.Sscanf(string(s.p[124:135]), "%o", &size); err != nil {
		s.t.Fatal(err)
	}
	want := make([]byte, 512)
	copy(want, name)
	copy(want[100:], "0000600\x000000000\x000000000\x00")
	copy(want[124:], fmt.Sprintf("%011o\x00%011o\x00", size, 0))
	copy(want[148:], "        ")
	copy(want[156:], "0")
	copy(want[257:], "ustar\x0000")
	copy(want[329:], "0000000\x000000000\x00") // device numbers, which a file has none of
	sum := 0
	for _, b := range want {
		sum += int(b)
	}
	copy(want[148:], fmt.Sprintf("%06o\x00 ", sum))
	if !bytes.Equal(s.p[:512], want) {
		s.t.Fatalf("the header of %s is\n%q, want\n%q", name, s.p[:512], want)
	}
	body, end := s.p[512:512+size], 512+(size+511)/512*512
	if bytes.Trim(s.p[512+size:end], "\x00") != nil {
		s.t.Fatalf("something fills the last block of %s", name)
	}
	s.p = s.p[end:]
	return body
}

// checkNote checks section 2, and returns what the note says of the index.
func checkNote(t *testing.T, raw []byte, vaultKey string) string {
	t.Helper()
	lines := strings.SplitAfter(string(raw), "\n")
	if len(lines) != 6 || lines[0] != "sourdine/parcel/v1 outbound\n" || lines[1] != vaultKey+"\n" || lines[3] != "\n" || lines[5] != "" {
		t.Fatalf("the note is\n%s", raw)
	}
	form := regexp.MustCompile(`^(sourdine/vault/[0-9a-f]{8})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$`).FindStringSubmatch(vaultKey)
	if form == nil {
		t.Fatalf("the vault's key is %q", vaultKey)
	}
	key, err := base64.StdEncoding.DecodeString(form[3])
	if err != nil || len(key) != 33 || key[0] != 1 {
		t.Fatalf("the vault's key decodes to %x, %v", key, err)
	}
	id := sha256.Sum256(append([]byte(form[1]+"\n"), key...))
	if hex.EncodeToString(id[:4]) != form[2] {
		t.Errorf("the key's id is %s", form[2])
	}
	signature, ok := strings.CutPrefix(lines[4], "— "+form[1]+" ")
	sig, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(signature, "\n"))
	if !ok || err != nil || len(sig) != 68 || !bytes.Equal(sig[:4], id[:4]) {
		t.Fatalf("the signature line is %q", lines[4])
	}
	if !ed25519.Verify(key[1:], []byte(lines[0]+lines[1]+lines[2]), sig[4:]) {
		t.Error("the signature is not one over the text")
	}
	return strings.TrimSuffix(lines[2], "\n")
}

type strictSealed struct {
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

type strictIndex struct {
	Version     int `json:"version"`
	Submissions []struct {
		ID       string         `json:"id"`
		Channel  string         `json:"channel"`
		Day      string         `json:"day"`
		Epoch    int            `json:"epoch"`
		Envelope strictSealed   `json:"envelope"`
		Payloads []strictSealed `json:"payloads"`
	} `json:"submissions"`
}

// TestFormat reads a parcel of the real writer strictly as FORMAT.md says.
func TestFormat(t *testing.T) {
	v := vaulttest.NewVault(t)
	reviewer := vaulttest.NewKey(t, vaulttest.X25519)
	want := map[string][2][]byte{} // by id: message and file
	for n := range 12 {
		message, content := fmt.Appendf(nil, "message %d", n), random(n*5000)
		envelope, payloads := sealTo(t, reviewer, message, content)
		want[submit(t, v, "Saint-Étienne", envelope, payloads...).String()] = [2][]byte{message, content}
	}
	key := fixedKey(1)
	tar := &strictTar{t, written(t, v, key)}
	digest := checkNote(t, tar.next("parcel.note"), key.public)
	raw := tar.next("index.json")
	if fmt.Sprintf("%x", sha256.Sum256(raw)) != digest {
		t.Error("the note has another digest of the index")
	}
	var index strictIndex
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&index); err != nil || decoder.More() || index.Version != 1 || len(index.Submissions) != len(want) {
		t.Fatalf("the index: %v, %s", err, raw)
	}
	var last []byte
	for _, s := range index.Submissions {
		id := decodeID(t, s.ID)
		if bytes.Compare(last, id) >= 0 {
			t.Errorf("submission %s stands out of order", s.ID)
		}
		last = id
		if _, err := time.Parse("2006-01-02", s.Day); err != nil || s.Channel != "Saint-Étienne" || s.Epoch != 3 {
			t.Errorf("submission %+v", s)
		}
		next := func(name string, said strictSealed) []byte {
			body := tar.next("submissions/" + s.ID + "/" + name)
			if len(body) != said.Size || fmt.Sprintf("%x", sha256.Sum256(body)) != said.SHA256 {
				t.Errorf("%s of %s is not what the index says", name, s.ID)
			}
			return body
		}
		envelope := next("envelope.pgp", s.Envelope)
		for n, said := range s.Payloads {
			plain, err := reviewer.Open(envelope, bytes.NewReader(next(fmt.Sprintf("%d.pgp", n), said)))
			if err != nil || !bytes.Equal(plain, want[s.ID][n]) {
				t.Errorf("payload %d of %s: %d bytes, %v", n, s.ID, len(plain), err)
			}
		}
	}
	if len(tar.p) != 1024 || bytes.Trim(tar.p, "\x00") != nil {
		t.Errorf("%d bytes end the archive", len(tar.p))
	}
}

func decodeID(t *testing.T, s string) []byte {
	t.Helper()
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var id []byte
	bits, have := 0, 0
	for _, r := range s {
		n := strings.IndexRune(letters, r)
		if n < 0 || len(s) != 26 {
			t.Fatalf("id %q", s)
		}
		bits, have = bits<<5|n, have+5
		if have >= 8 {
			id, have = append(id, byte(bits>>(have-8))), have-8
			bits &= 1<<have - 1
		}
	}
	if bits != 0 || len(id) != 16 {
		t.Fatalf("id %q", s)
	}
	return slices.Clip(id)
}

// sealTo makes a submission as the source's site does.
func sealTo(t *testing.T, to vaulttest.Key, plain ...[]byte) (envelope []byte, payloads [][]byte) {
	t.Helper()
	s := newSealer(t, to)
	for _, p := range plain {
		var b bytes.Buffer
		w, err := s.Item(&b)
		if err == nil {
			_, err = io.Copy(w, bytes.NewReader(p))
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, b.Bytes())
	}
	return s.Envelope(), payloads
}
