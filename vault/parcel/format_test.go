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
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// strictTar cuts a parcel into its files as FORMAT.md, section 1, describes
// it, block by block and without a reader of tars.
type strictTar struct {
	t testing.TB
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

// signedLines checks that raw is a signed note of three lines, as section 2
// describes it, and returns them.
func signedLines(t *testing.T, raw []byte, vaultKey string) []string {
	t.Helper()
	lines := strings.SplitAfter(string(raw), "\n")
	if len(lines) != 6 || lines[3] != "\n" || lines[5] != "" {
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
	return lines[:3]
}

// checkNote checks section 2, and returns what the note says of the index.
func checkNote(t *testing.T, raw []byte, vaultKey string) string {
	t.Helper()
	lines := signedLines(t, raw, vaultKey)
	if lines[0] != "sourdine/parcel/v2 outbound\n" || lines[1] != vaultKey+"\n" {
		t.Fatalf("the note is\n%s", raw)
	}
	return strings.TrimSuffix(lines[2], "\n")
}

// checkLog checks section 4 with nothing but SHA-256: RFC 6962, section 2.1.
func checkLog(t *testing.T, checkpoint, leaves []byte, size int, vaultKey string) {
	t.Helper()
	var hashes [][32]byte
	for _, leaf := range lines(t, leaves) {
		hashes = append(hashes, sha256.Sum256(append([]byte{0}, leaf...)))
	}
	root := treeHash(hashes)
	said := signedLines(t, checkpoint, vaultKey)
	name, _, _ := strings.Cut(vaultKey, "+")
	if said[0] != name+"\n" || said[1] != fmt.Sprintln(size) || len(hashes) != size || said[2] != base64.StdEncoding.EncodeToString(root[:])+"\n" {
		t.Errorf("%d leaves of %d have the root %x, the checkpoint is\n%s", len(hashes), size, root, checkpoint)
	}
}

func treeHash(hashes [][32]byte) [32]byte {
	switch len(hashes) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return hashes[0]
	}
	left := 1 << (bits.Len(uint(len(hashes)-1)) - 1)
	l, r := treeHash(hashes[:left]), treeHash(hashes[left:])
	return sha256.Sum256(slices.Concat([]byte{1}, l[:], r[:]))
}

type strictSealed struct {
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

type strictIndex struct {
	Version  int    `json:"version"`
	Reviewer string `json:"reviewer"`
	Since    int    `json:"since"`
	Size     int    `json:"size"`
	After    string `json:"after"`
	Left     int    `json:"left"`
	Files    []struct {
		Name string `json:"name"`
		strictSealed
	} `json:"files"`
	Submissions []struct {
		ID       string         `json:"id"`
		Channel  string         `json:"channel"`
		Day      string         `json:"day"`
		Epoch    int            `json:"epoch"`
		Leaf     int            `json:"leaf"`
		Envelope strictSealed   `json:"envelope"`
		Payloads []strictSealed `json:"payloads"`
	} `json:"submissions"`
}

// strict reads the note and the index of a parcel, and checks both.
func (s *strictTar) strict(t *testing.T, key signingKey) (index strictIndex) {
	t.Helper()
	digest := checkNote(t, s.next("parcel.note"), key.public)
	raw := s.next("index.json")
	if fmt.Sprintf("%x", sha256.Sum256(raw)) != digest {
		t.Error("the note has another digest of the index")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&index); err != nil || decoder.More() || index.Version != 2 {
		t.Fatalf("the index: %v, %s", err, raw)
	}
	return index
}

// said returns the next file, which must be what the index says.
func (s *strictTar) said(name string, said strictSealed) []byte {
	s.t.Helper()
	body := s.next(name)
	if len(body) != said.Size || fmt.Sprintf("%x", sha256.Sum256(body)) != said.SHA256 {
		s.t.Errorf("%s is not what the index says", name)
	}
	return body
}

// TestFormat reads a parcel of the real writer strictly as FORMAT.md says.
func TestFormat(t *testing.T) {
	v, reviewer := vaulttest.NewVault(t), newReviewer(t)
	addChannel(t, v, "Saint-Étienne", reviewer, vaulttest.NewKey(t, vaulttest.V4))
	want := map[string][2][]byte{} // by id: message and file
	for n := range 12 {
		message, content := fmt.Appendf(nil, "message %d", n), random(n*5000)
		envelope, payloads := sealTo(t, reviewer, message, content)
		want[submit(t, v, "Saint-Étienne", envelope, payloads...).String()] = [2][]byte{message, content}
	}
	for n := range 3 {
		deleteByOrder(t, v, reviewer, submit(t, v, "Saint-Étienne", random(9), random(9)), fmt.Appendf(nil, "order %d", n))
	}
	setDesk(t, v, reviewer, vault.DeskState{Sequence: 3, Applied: []byte("a receipt")})
	key := fixedKey(1)
	tar := &strictTar{t, written(t, v, key)}
	index := tar.strict(t, key)
	checkFiles(t, tar, index, key, reviewer)
	var last []byte
	for _, s := range index.Submissions {
		id := decodeID(t, s.ID)
		if bytes.Compare(last, id) >= 0 {
			t.Errorf("submission %s stands out of order", s.ID)
		}
		last = id
		if _, err := time.Parse("2006-01-02", s.Day); err != nil || s.Channel != "Saint-Étienne" || s.Epoch != 2 {
			t.Errorf("submission %+v", s)
		}
		at := "submissions/" + s.ID
		envelope := tar.said(at+"/envelope.pgp", s.Envelope)
		for n, said := range s.Payloads {
			plain, err := reviewer.Open(envelope, bytes.NewReader(tar.said(fmt.Sprintf("%s/%d.pgp", at, n), said)))
			if err != nil || !bytes.Equal(plain, want[s.ID][n]) {
				t.Errorf("payload %d of %s: %d bytes, %v", n, s.ID, len(plain), err)
			}
		}
		delete(want, s.ID)
	}
	if len(want) > 0 || len(tar.p) != 1024 || bytes.Trim(tar.p, "\x00") != nil {
		t.Errorf("%d submissions are missing, %d bytes end the archive", len(want), len(tar.p))
	}
}

// checkFiles checks what stands before the submissions: three epochs of a
// roster, three orders, one receipt.
func checkFiles(t *testing.T, tar *strictTar, index strictIndex, key signingKey, reviewer vaulttest.Key) {
	t.Helper()
	if index.Reviewer != "" || index.Since != 0 || index.After != "" || index.Left != 0 || len(index.Files) != 10 {
		t.Fatalf("the index: %+v", index)
	}
	content := map[string][]byte{}
	var names []string
	for _, f := range index.Files {
		content[f.Name] = tar.said(f.Name, f.strictSealed)
		folder, _, _ := strings.Cut(f.Name, "/")
		names = append(names, folder)
	}
	if got, want := strings.Join(names, " "), "checkpoint leaves.jsonl proofs.jsonl rosters rosters rosters orders orders orders applied"; got != want {
		t.Errorf("the files are %s, want %s", got, want)
	}
	checkLog(t, content["checkpoint"], content["leaves.jsonl"], index.Size, key.public)
	checkRosters(t, content, reviewer)
	if got := content["applied/"+fingerprint(reviewer)+".note"]; string(got) != "a receipt" {
		t.Errorf("the receipt is %q", got)
	}
	proofs := lines(t, content["proofs.jsonl"])
	for i, line := range proofs {
		want := `^\{"index":0,"proof":\[\]\}$`
		if i > 0 {
			s := index.Submissions[i-1]
			want = fmt.Sprintf(`^\{"id":"%s","index":%d,"proof":\["[A-Za-z0-9+/]{43}="(,"[A-Za-z0-9+/]{43}=")*\]\}$`, s.ID, s.Leaf)
		}
		if !regexp.MustCompile(want).Match(line) {
			t.Errorf("line %d of the proofs is %s", i, line)
		}
	}
	if len(proofs) != 1+len(index.Submissions) {
		t.Errorf("%d proofs for %d submissions", len(proofs), len(index.Submissions))
	}
}

// checkRosters: the rosters say of themselves what the leaves say of them.
func checkRosters(t *testing.T, content map[string][]byte, reviewer vaulttest.Key) {
	t.Helper()
	for name, raw := range content {
		sum, ok := strings.CutPrefix(name, "rosters/")
		if !ok {
			continue
		}
		var roster struct {
			Channel string
			Epoch   int
			Members []struct{ Name, Fingerprint, Certificate string }
		}
		if err := json.Unmarshal(raw, &roster); err != nil || fmt.Sprintf("%x.json", sha256.Sum256(raw)) != sum {
			t.Errorf("%s: %v, %s", name, err, raw)
			continue
		}
		leaf := fmt.Sprintf(`"channel":"Saint-Étienne","day":"%s","epoch":%d,"members":[`, time.Now().UTC().Format("2006-01-02"), roster.Epoch)
		if roster.Epoch > 0 {
			leaf += fmt.Sprintf(`{"name":"Camille","fingerprint":"%s"}`, fingerprint(reviewer))
		}
		if !bytes.Contains(content["leaves.jsonl"], []byte(leaf)) || len(roster.Members) != roster.Epoch {
			t.Errorf("no leaf has %s", leaf)
		}
		if roster.Epoch > 0 && roster.Members[0].Certificate != base64.StdEncoding.EncodeToString(reviewer.Certificate(t)) {
			t.Errorf("%s has another certificate", name)
		}
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
