package parcel_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"sourdine/vault/parcel"
)

const (
	goodID     = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	goodDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of nothing
)

// index fills the fields of one submission into an index.
func index(id, envelope, payloads string) string {
	return fmt.Sprintf(`{"version":1,"submissions":[{"id":%s,"channel":"Nice","day":"2026-11-21","epoch":1,"envelope":%s,"payloads":%s}]}`, id, envelope, payloads)
}

func sealedText(size, digest string) string {
	return fmt.Sprintf(`{"size":%s,"sha256":"%s"}`, size, digest)
}

// withIndex is a parcel with that index, signed, and empty files for goodID.
func withIndex(t testing.TB, raw string, files ...entry) []byte {
	t.Helper()
	return pack(t, append(signedIndex(t, fixedKey(1), []byte(raw)), files...)...)
}

func emptyFiles() []entry {
	return []entry{file("submissions/"+goodID+"/envelope.pgp", nil), file("submissions/"+goodID+"/0.pgp", nil)}
}

// The vault's signature does not make an index acceptable: a server may have
// been taken over.
func TestIndexes(t *testing.T) {
	id, empty := `"`+goodID+`"`, sealedText("0", goodDigest)
	if _, err := read(withIndex(t, index(id, empty, "["+empty+"]"), emptyFiles()...)); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	payload := "[" + empty + "]"
	for name, raw := range map[string]string{
		"empty": "", "null": "null", "a list": "[]", "a number": "1", "text": `"EVIL` + "\u202e" + `"`, "cut off": `{"version":1,`,
		"more behind":     index(id, empty, payload) + "{}",
		"not JSON":        marker,
		"no version":      `{"submissions":[]}`,
		"version 2":       `{"version":2,"submissions":[]}`,
		"huge version":    `{"version":` + strings.Repeat("9", 300) + `,"submissions":[]}`,
		"negative size":   index(id, empty, "["+sealedText("-1", goodDigest)+"]"),
		"huge size":       index(id, empty, "["+sealedText(strings.Repeat("9", 30), goodDigest)+"]"),
		"broken size":     index(id, empty, "["+sealedText("0.5", goodDigest)+"]"),
		"text for a size": index(id, empty, "["+sealedText(`"EVIL`+"\u202e"+`"`, goodDigest)+"]"),
		"no digest":       index(id, empty, `[{"size":0}]`),
		"short digest":    index(id, empty, "["+sealedText("0", goodDigest[2:])+"]"),
		"capital digest":  index(id, empty, "["+sealedText("0", strings.ToUpper(goodDigest))+"]"),
		"other digest":    index(id, empty, "["+sealedText("0", strings.Repeat("EVIL", 16))+"]"),
		"no envelope":     `{"version":1,"submissions":[{"id":` + id + `,"payloads":` + payload + `}]}`,
		"bad envelope":    index(id, `{"size":0}`, payload),
		"null envelope":   index(id, "null", payload),
		"no payloads":     index(id, empty, "[]"),
		"null payloads":   index(id, empty, "null"),
		"null payload":    index(id, empty, "[null]"),
		"null submission": `{"version":1,"submissions":[null]}`,
		"id twice": `{"version":1,"submissions":[` + strings.Repeat(`{"id":`+id+`,"envelope":`+empty+`,"payloads":`+payload+`},`, 2) +
			`{"id":"aiaiaiaiaiaiaiaiaiaiaiaiae","envelope":` + empty + `,"payloads":` + payload + `}]}`,
	} {
		refuses(t, name, withIndex(t, raw, emptyFiles()...), nil)
	}
	for _, hostile := range []string{"", "..", ".", "/", "../../etc/passwd", goodID + "/..", goodID[1:] + "/", goodID + "\\u0000", strings.ToUpper(goodID),
		goodID[1:] + "b", "aaaaaaaaaaaaaaaaaaaaaaaaa\\u202e", "con", strings.Repeat("a", 1000), "EVIL\\u202e"} {
		refuses(t, "id "+hostile, withIndex(t, index(`"`+hostile+`"`, empty, payload), emptyFiles()...), nil)
	}
}

// The index may promise what it wants: what counts is what comes.
func TestSizesThatAreNotThere(t *testing.T) {
	id, empty := `"`+goodID+`"`, sealedText("0", goodDigest)
	for _, size := range []string{"1", "9223372036854775807", "8589934592"} {
		huge := sealedText(size, goodDigest)
		refuses(t, size+" bytes for an empty payload", withIndex(t, index(id, empty, "["+huge+"]"), emptyFiles()...), parcel.ErrAltered)
	}
	// Headers that promise as much: the files end before.
	for _, size := range []int64{1 << 20, 8<<30 - 1, 8 << 30, 1<<63 - 1} {
		raw := index(id, empty, "["+sealedText(fmt.Sprint(size), goodDigest)+"]")
		p := withIndex(t, raw, emptyFiles()[0])
		p = append(p[:len(p)-1024], header(t, "submissions/"+goodID+"/0.pgp", size)...)
		refuses(t, fmt.Sprintf("a header of %d bytes", size), append(p, "a few"...), parcel.ErrTruncated)
	}
	_, err := read(append(pack(t, signedIndex(t, fixedKey(1), nil)[0])[:1024], header(t, "index.json", 64<<20+1)...))
	if err == nil || err.Error() != "index.json: the parcel's index.json is larger than 67108864 bytes" {
		t.Errorf("an index over the limit: %v", err)
	}
}

// Indexes made of nothing but entries do not grow in memory.
func TestIndexBombs(t *testing.T) {
	const size = 4 << 20
	entry := sealedText("0", goodDigest)
	for name, c := range map[string]struct{ start, repeated string }{
		"empty submissions": {`{"version":1,"submissions":[`, "{},"},
		"null submissions":  {`{"version":1,"submissions":[`, "null,"},
		"empty payloads":    {`{"version":1,"submissions":[{"id":"` + goodID + `","envelope":` + entry + `,"payloads":[`, "{},"},
		"null payloads":     {`{"version":1,"submissions":[{"id":"` + goodID + `","envelope":` + entry + `,"payloads":[`, "null,"},
		"valid payloads":    {`{"version":1,"submissions":[{"id":"` + goodID + `","envelope":` + entry + `,"payloads":[`, entry + ","},
		"unknown fields":    {`{"version":1,"x":[`, "{},"},
		"nested":            {`{"version":1,"x":`, "["},
	} {
		raw := c.start + strings.Repeat(c.repeated, size/len(c.repeated))
		raw = strings.TrimSuffix(raw, ",")
		if strings.Contains(c.start, "payloads") {
			raw += "]}"
		}
		p := withIndex(t, raw+"]}")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		opened, err := parcel.Open(bytes.NewReader(p), trustAll)
		runtime.ReadMemStats(&after)
		grown := float64(after.TotalAlloc-before.TotalAlloc) / size
		t.Logf("%s: allocated %.1f times the index's size, %v", name, grown, err)
		if grown > 12 {
			t.Errorf("%s: allocated %.1f times the index's size", name, grown)
		}
		if valid := name == "valid payloads" || name == "unknown fields"; valid != (opened != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzIndex: an index that is accepted re-encodes to one that reads the same.
func FuzzIndex(f *testing.F) {
	f.Add(smallFiles(f, fixedKey(1))[1].body)
	empty := sealedText("0", goodDigest)
	f.Add([]byte(index(`"`+goodID+`"`, empty, "["+empty+","+empty+"]")))
	f.Add([]byte(`{"version":1,"submissions":[]}`))
	f.Add([]byte(`{"Version":1,"SUBMISSIONS":null,"x":[{"y":1e9}]}`))
	f.Add([]byte(index(`"../../`+goodID+`"`, empty, "[{}]")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		opened, err := parcel.Open(bytes.NewReader(withIndex(t, string(raw))), trustAll)
		if err != nil {
			checkText(t, "index", err)
			return
		}
		again, err := json.Marshal(opened.Index())
		if err != nil {
			t.Fatal(err)
		}
		reopened, err := parcel.Open(bytes.NewReader(withIndex(t, string(again))), trustAll)
		if err != nil || !reflect.DeepEqual(reopened.Index(), opened.Index()) {
			t.Fatalf("%.200s, encoded anew, reads differently: %v", raw, err)
		}
		for _, s := range opened.Index().Submissions {
			if strings.ContainsAny(s.ID, "/.\\\x00") || len(s.ID) != len(goodID) || len(s.Payloads) == 0 {
				t.Fatalf("accepted id %q with %d payloads", s.ID, len(s.Payloads))
			}
		}
		if _, err := opened.Next(); len(opened.Index().Submissions) > 0 && !errors.Is(err, parcel.ErrTruncated) {
			t.Fatalf("without files: %v", err)
		}
	})
}
