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

func sealedText(size, digest string) string {
	return fmt.Sprintf(`{"size":%s,"sha256":"%s"}`, size, digest)
}

func namedText(names ...string) string {
	var all []string
	for _, name := range names {
		all = append(all, fmt.Sprintf(`{"name":"%s","size":0,"sha256":"%s"}`, name, goodDigest))
	}
	return strings.Join(all, ",")
}

// indexHead is an index up to its submissions, with no files but the log's.
var indexHead = `{"version":2,"reviewer":"","since":0,"size":9,"after":"","left":0,"files":[` +
	namedText("checkpoint", "leaves.jsonl", "proofs.jsonl") + `],"submissions":[`

func index(submissions ...string) string { return indexHead + strings.Join(submissions, ",") + "]}" }

func submissionText(id, envelope, payloads string) string {
	return fmt.Sprintf(`{"id":%s,"channel":"Nice","day":"2026-11-21","epoch":1,"leaf":8,"envelope":%s,"payloads":%s}`, id, envelope, payloads)
}

// withIndex is a parcel with that index, signed, and with the log's files empty.
func withIndex(t testing.TB, raw string, files ...entry) []byte {
	t.Helper()
	return pack(t, append(append(signedIndex(t, fixedKey(1), []byte(raw)), emptyLog()...), files...)...)
}

func emptyLog() []entry {
	return []entry{file("checkpoint", nil), file("leaves.jsonl", nil), file("proofs.jsonl", nil)}
}

func emptyFiles() []entry {
	return []entry{file("submissions/"+goodID+"/envelope.pgp", nil), file("submissions/"+goodID+"/0.pgp", nil)}
}

// refusesIndex checks that an index is refused as such, before any file is read.
func refusesIndex(t *testing.T, name, raw string) {
	t.Helper()
	if _, err := parcel.Open(bytes.NewReader(withIndex(t, raw)), trustAll); err == nil {
		t.Errorf("%s: accepted", name)
	} else {
		checkText(t, name, err)
	}
}

// The vault's signature does not make an index acceptable: a server may have
// been taken over.
func TestIndexes(t *testing.T) {
	id, empty := `"`+goodID+`"`, sealedText("0", goodDigest)
	payload := "[" + empty + "]"
	good := submissionText(id, empty, payload)
	if _, err := read(withIndex(t, index(good), emptyFiles()...)); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	with := func(envelope, payloads string) string { return index(submissionText(id, envelope, payloads)) }
	for name, raw := range map[string]string{
		"empty": "", "null": "null", "a list": "[]", "a number": "1", "text": `"EVIL` + "\u202e" + `"`, "cut off": `{"version":2,`,
		"more behind":     index(good) + "{}",
		"not JSON":        marker,
		"no version":      strings.Replace(index(), `"version":2,`, "", 1),
		"version 1":       `{"version":1,"submissions":[]}`,
		"version 3":       strings.Replace(index(), `"version":2,`, `"version":3,`, 1),
		"huge version":    strings.Replace(index(), `"version":2,`, `"version":`+strings.Repeat("9", 300)+`,`, 1),
		"negative size":   with(empty, "["+sealedText("-1", goodDigest)+"]"),
		"huge size":       with(empty, "["+sealedText(strings.Repeat("9", 30), goodDigest)+"]"),
		"broken size":     with(empty, "["+sealedText("0.5", goodDigest)+"]"),
		"text for a size": with(empty, "["+sealedText(`"EVIL`+"\u202e"+`"`, goodDigest)+"]"),
		"no digest":       with(empty, `[{"size":0}]`),
		"short digest":    with(empty, "["+sealedText("0", goodDigest[2:])+"]"),
		"capital digest":  with(empty, "["+sealedText("0", strings.ToUpper(goodDigest))+"]"),
		"other digest":    with(empty, "["+sealedText("0", strings.Repeat("EVIL", 16))+"]"),
		"no envelope":     index(`{"id":` + id + `,"payloads":` + payload + `}`),
		"bad envelope":    with(`{"size":0}`, payload),
		"null envelope":   with("null", payload),
		"no payloads":     with(empty, "[]"),
		"null payloads":   with(empty, "null"),
		"null payload":    with(empty, "[null]"),
		"null submission": index("null"),
		"id twice":        index(good, good),
		"out of order":    index(submissionText(`"aiaiaiaiaiaiaiaiaiaiaiaiae"`, empty, payload), good),
		// By their bytes: as text the digit would come first.
		"ordered as text":  index(submissionText(`"2aaaaaaaaaaaaaaaaaaaaaaaaa"`, empty, payload), submissionText(`"baaaaaaaaaaaaaaaaaaaaaaaaa"`, empty, payload)),
		"a leaf too far":   strings.Replace(index(good), `"leaf":8`, `"leaf":9`, 1),
		"a negative leaf":  strings.Replace(index(good), `"leaf":8`, `"leaf":-1`, 1),
		"since over size":  strings.Replace(index(), `"since":0`, `"since":10`, 1),
		"negative since":   strings.Replace(index(), `"since":0`, `"since":-1`, 1),
		"no log so large":  strings.Replace(index(), `"size":9,"after"`, fmt.Sprintf(`"size":%d,"after"`, 1<<40+1), 1),
		"negative left":    strings.Replace(index(), `"left":0`, `"left":-1`, 1),
		"reviewer's name":  strings.Replace(index(), `"reviewer":""`, `"reviewer":"EVIL`+"\u202e"+`"`, 1),
		"small reviewer":   strings.Replace(index(), `"reviewer":""`, `"reviewer":"`+strings.ToLower(goodFingerprint)+`"`, 1),
		"short reviewer":   strings.Replace(index(), `"reviewer":""`, `"reviewer":"`+goodFingerprint[1:]+`"`, 1),
		"after no id":      strings.Replace(index(), `"after":""`, `"after":"EVIL`+"\u202e"+`"`, 1),
		"not after after":  strings.Replace(index(good), `"after":""`, `"after":`+id, 1),
		"files are absent": `{"version":2,"size":9,"submissions":[]}`,
		"files are null":   `{"version":2,"size":9,"files":null,"submissions":[]}`,
	} {
		refusesIndex(t, name, raw)
	}
	for _, hostile := range []string{"", "..", ".", "/", "../../etc/passwd", goodID + "/..", goodID[1:] + "/", goodID + "\\u0000", strings.ToUpper(goodID),
		goodID[1:] + "b", "aaaaaaaaaaaaaaaaaaaaaaaaa\\u202e", "con", strings.Repeat("a", 1000), "EVIL\\u202e"} {
		refusesIndex(t, "id "+hostile, index(submissionText(`"`+hostile+`"`, empty, payload)))
	}
}

// withNamed is a parcel whose files before the submissions are these, all empty.
func withNamed(t *testing.T, names ...string) []byte {
	t.Helper()
	raw := `{"version":2,"size":9,"files":[` + namedText(names...) + `],"submissions":[]}`
	entries := signedIndex(t, fixedKey(1), []byte(raw))
	for _, name := range names {
		entries = append(entries, file(name, nil))
	}
	return pack(t, entries...)
}

// The log's files come under their names, each once, and in one order.
func TestNamesOfTheLog(t *testing.T) {
	digest := func(c string) string { return strings.Repeat(c, 64) }
	roster := func(c string) string { return "rosters/" + digest(c) + ".json" }
	order := func(c string) string { return "orders/" + digest(c) + ".txt" }
	applied := func(c string, n int) string { return "applied/" + strings.Repeat(c, n) + ".note" }
	log := []string{"checkpoint", "leaves.jsonl", "proofs.jsonl"}
	for _, more := range [][]string{nil, {roster("0"), roster("a"), roster("f")}, {order("1")}, {applied("A", 40), applied("A", 64), applied("B", 40)},
		{roster("0"), order("0"), applied("0", 64)}} {
		if files, err := read(withNamed(t, append(log, more...)...)); err != nil || len(files) != len(log)+len(more) {
			t.Errorf("%q: %d files, %v", more, len(files), err)
		}
	}
	for _, more := range [][]string{
		{roster("a"), roster("0")}, {roster("0"), roster("0")}, {order("0"), roster("0")}, {applied("0", 40), order("0")},
		{order("b"), order("a")}, {applied("B", 40), applied("A", 64)}, {applied("A", 64), applied("A", 40)}, {roster("0"), order("0"), roster("1")},
		{roster("A")}, {order("0")[:70]}, {"rosters/" + digest("0")}, {"rosters/../" + digest("0") + ".json"}, {"rosters/"}, {"orders/" + digest("0") + ".json"},
		{applied("a", 40)}, {applied("A", 41)}, {"applied/.note"}, {"checkpoint"}, {"proofs.jsonl"}, {"index.json"}, {"README"}, {""}, {"EVIL\u202e"},
		{"submissions/" + goodID + "/0.pgp"}, {"/" + roster("0")}, {roster("0") + "\n"}, {" " + roster("0")}, {"./" + roster("0")},
	} {
		refusesIndex(t, fmt.Sprintf("%q", more), `{"version":2,"size":9,"files":[`+namedText(append(log, more...)...)+`],"submissions":[]}`)
	}
	for _, names := range [][]string{{}, log[:1], log[:2], log[1:], {log[1], log[0], log[2]}, {log[0], log[2], log[1]}, {log[0], roster("0"), log[1], log[2]}} {
		refusesIndex(t, fmt.Sprintf("%q", names), `{"version":2,"size":9,"files":[`+namedText(names...)+`],"submissions":[]}`)
	}
}

// What a desk reads whole has limits, whatever the vault signed; what it
// streams has none.
func TestSizesOfTheLog(t *testing.T) {
	sizes := []struct {
		name  string
		limit int64
	}{
		{"checkpoint", 64 << 10}, {"leaves.jsonl", 1<<63 - 1}, {"proofs.jsonl", 1<<63 - 1}, {"rosters/" + goodDigest + ".json", 64 << 20},
		{"orders/" + goodDigest + ".txt", 8<<20 + 64<<10}, {"applied/" + goodFingerprint + ".note", 1 << 20},
	}
	open := func(x parcel.Index) error {
		raw, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		_, err = parcel.Open(bytes.NewReader(withIndex(t, string(raw))), trustAll)
		return err
	}
	x := parcel.Index{Version: 2}
	for _, s := range sizes {
		x.Files = append(x.Files, parcel.Named{Name: s.name, Size: s.limit, SHA256: goodDigest})
	}
	if err := open(x); err != nil {
		t.Errorf("the largest files: %v", err)
	}
	for i, s := range sizes {
		x.Files[i].Size++ // to the smallest number, of what has no limit
		if err := open(x); err == nil {
			t.Errorf("%s of %d bytes was taken", s.name, x.Files[i].Size)
		}
		x.Files[i].Size = s.limit
	}
}

// Each type's JSON is its own, also where one stands in another.
func TestIndexIsJSON(t *testing.T) {
	x := parcel.Index{
		Version: 2, Reviewer: goodFingerprint, Since: 1, Size: 9, After: goodID, Left: 3,
		Files: []parcel.Named{{Name: "checkpoint", Size: 7, SHA256: goodDigest}, {Name: "leaves.jsonl", SHA256: goodDigest}, {Name: "proofs.jsonl", SHA256: goodDigest}},
		Submissions: []parcel.Submission{{ID: "baaaaaaaaaaaaaaaaaaaaaaaaa", Channel: "Nice", Day: "2026-11-21", Epoch: 4, Leaf: 5,
			Envelope: parcel.Sealed{Size: 6, SHA256: goodDigest}, Payloads: []parcel.Sealed{{Size: 8, SHA256: goodDigest}}}},
	}
	raw, err := json.Marshal(x)
	want := `{"version":2,"reviewer":"` + goodFingerprint + `","since":1,"size":9,"after":"` + goodID + `","left":3,"files":[` +
		`{"name":"checkpoint","size":7,"sha256":"` + goodDigest + `"},` + namedText("leaves.jsonl", "proofs.jsonl") +
		`],"submissions":[{"id":"baaaaaaaaaaaaaaaaaaaaaaaaa","channel":"Nice","day":"2026-11-21","epoch":4,"leaf":5,` +
		`"envelope":` + sealedText("6", goodDigest) + `,"payloads":[` + sealedText("8", goodDigest) + `]}]}`
	if err != nil || string(raw) != want {
		t.Errorf("%s, %v, want\n%s", raw, err, want)
	}
	p, err := parcel.Open(bytes.NewReader(withIndex(t, want)), trustAll)
	if err != nil || !reflect.DeepEqual(p.Index(), x) {
		t.Errorf("read as %+v, %v", p, err)
	}
	var n parcel.Named
	if err := json.Unmarshal([]byte(namedText("checkpoint")), &n); err != nil || n != (parcel.Named{Name: "checkpoint", SHA256: goodDigest}) {
		t.Errorf("%+v, %v", n, err)
	}
}

// The index may promise what it wants: what counts is what comes.
func TestSizesThatAreNotThere(t *testing.T) {
	id, empty := `"`+goodID+`"`, sealedText("0", goodDigest)
	for _, size := range []string{"1", "9223372036854775807", "8589934592"} {
		huge := sealedText(size, goodDigest)
		refuses(t, size+" bytes for an empty payload", withIndex(t, index(submissionText(id, empty, "["+huge+"]")), emptyFiles()...), parcel.ErrAltered)
		leaves := strings.Replace(index(), `"leaves.jsonl","size":0`, `"leaves.jsonl","size":`+size, 1)
		refuses(t, size+" bytes for no leaves", withIndex(t, leaves), parcel.ErrAltered)
	}
	// Headers that promise as much: the files end before.
	for _, size := range []int64{1 << 20, 8<<30 - 1, 8 << 30, 1<<63 - 1} {
		raw := index(submissionText(id, empty, "["+sealedText(fmt.Sprint(size), goodDigest)+"]"))
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
	const size = 2 << 20
	entry := sealedText("0", goodDigest)
	submission := indexHead + `{"id":"` + goodID + `","envelope":` + entry + `,"payloads":[`
	for name, c := range map[string]struct{ start, repeated string }{
		"empty submissions": {indexHead, "{},"},
		"null submissions":  {indexHead, "null,"},
		"empty payloads":    {submission, "{},"},
		"null payloads":     {submission, "null,"},
		"valid payloads":    {submission, entry + ","},
		"empty files":       {`{"version":2,"files":[`, "{},"},
		"null files":        {`{"version":2,"files":[`, "null,"},
		"valid files":       {`{"version":2,"files":[`, namedText("checkpoint") + ","},
		"unknown fields":    {strings.TrimSuffix(indexHead, `"submissions":[`) + `"x":[`, "{},"},
		"nested":            {`{"version":2,"x":`, "["},
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
	f.Add([]byte(index(submissionText(`"`+goodID+`"`, empty, "["+empty+","+empty+"]"))))
	f.Add([]byte(index()))
	f.Add([]byte(strings.NewReplacer(`"version"`, `"Version"`, `"files"`, `"FILES"`, `"submissions":[`, `"SUBMISSIONS":null,"x":[{"y":1e9}`).Replace(index())))
	f.Add([]byte(index(submissionText(`"../../`+goodID+`"`, empty, "[{}]"))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		opened, err := parcel.Open(bytes.NewReader(withIndex(t, string(raw))), trustAll)
		if err != nil {
			checkText(t, "index", err)
			return
		}
		x := opened.Index()
		again, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		reopened, err := parcel.Open(bytes.NewReader(withIndex(t, string(again))), trustAll)
		if err != nil || !reflect.DeepEqual(reopened.Index(), x) {
			t.Fatalf("%.200s, encoded anew, reads differently: %v", raw, err)
		}
		for _, s := range x.Submissions {
			if strings.ContainsAny(s.ID, "/.\\\x00") || len(s.ID) != len(goodID) || len(s.Payloads) == 0 || s.Leaf >= x.Size {
				t.Fatalf("accepted id %q with %d payloads", s.ID, len(s.Payloads))
			}
		}
		for _, n := range x.Files {
			if strings.Contains(n.Name, "..") || strings.Count(n.Name, "/") > 1 || n.Size < 0 {
				t.Fatalf("accepted a file %q", n.Name)
			}
		}
		if x.Since > x.Size || len(x.Files) < 3 {
			t.Fatalf("accepted %d files and the log from %d to %d", len(x.Files), x.Since, x.Size)
		}
		_, err = read(withIndex(t, string(raw)))
		if len(x.Submissions) > 0 && !errors.Is(err, parcel.ErrTruncated) && !errors.Is(err, parcel.ErrAltered) {
			t.Fatalf("without the files of its submissions: %v", err)
		}
	})
}
