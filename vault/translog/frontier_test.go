package translog_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sourdine/vault/translog"
)

func TestFrontierIsKeptAndTakenUp(t *testing.T) {
	stored := grown(t, 100)
	f := translog.NewFrontier()
	for n := range int64(100) {
		raw := encoded(t, f)
		f = decoded[translog.Frontier](t, raw)
		if string(encoded(t, *f)) != string(raw) {
			t.Fatalf("size %d: %s is encoded again as %s", n, raw, encoded(t, *f))
		}
		if !f.EqualTo(head(t, n, stored)) {
			t.Fatalf("size %d: the frontier that was kept is another", n)
		}
		if err := f.Append(entry(n)); err != nil {
			t.Fatal(err)
		}
	}
	if !f.EqualTo(head(t, 100, stored)) || f.EqualTo(head(t, 99, stored)) {
		t.Error("the frontier is not that of its log")
	}
}

// A desk tries leaves on a copy, and keeps the old frontier when they lie.
func TestCopiedFrontierIsIndependent(t *testing.T) {
	f := translog.NewFrontier()
	for n := range int64(7) {
		if err := f.Append(entry(n)); err != nil {
			t.Fatal(err)
		}
	}
	tried := *f
	if err := tried.Append([]byte("a lie")); err != nil {
		t.Fatal(err)
	}
	if !f.EqualTo(head(t, 7, grown(t, 7))) || tried.Size() != 8 {
		t.Error("appending to a copy changed the original")
	}
}

func TestFrontierJSON(t *testing.T) {
	if got := string(encoded(t, translog.NewFrontier())); got != `{"v":1,"size":0,"hashes":[]}` {
		t.Errorf("the empty log's frontier is %s", got)
	}
	indented, _ := json.MarshalIndent(map[string]any{"f": translog.NewFrontier()}, "", "  ")
	if m := *decoded[map[string]*translog.Frontier](t, indented); m["f"].Size() != 0 {
		t.Errorf("an indented frontier: %v", m)
	}
	for what, raw := range map[string]string{
		"null":             `null`,
		"list":             `[]`,
		"empty":            `{}`,
		"no hashes":        `{"v":1,"size":0,"hashes":null}`,
		"another version":  `{"v":2,"size":0,"hashes":[]}`,
		"one too few":      `{"v":1,"size":3,"hashes":` + hashList(1) + `}`,
		"one too many":     `{"v":1,"size":3,"hashes":` + hashList(3) + `}`,
		"negative":         `{"v":1,"size":-1,"hashes":` + hashList(41) + `}`,
		"too large":        `{"v":1,"size":1099511627777,"hashes":` + hashList(2) + `}`,
		"more than 64 bit": `{"v":1,"size":36893488147419103232,"hashes":` + hashList(1) + `}`,
		"huge":             `{"v":1,"size":1,"hashes":` + hashList(1<<16) + `}`,
		"fraction":         `{"v":1,"size":1.0,"hashes":` + hashList(1) + `}`,
		"exponent":         `{"v":1,"size":1e0,"hashes":` + hashList(1) + `}`,
		"another order":    `{"size":0,"v":1,"hashes":[]}`,
		"twice":            `{"v":1,"size":1,"size":0,"hashes":[]}`,
		"capitals":         `{"V":1,"size":0,"hashes":[]}`,
		"more fields":      `{"v":1,"size":0,"hashes":[],"more":1}`,
	} {
		f := translog.NewFrontier()
		if err := f.Append(nil); err != nil {
			t.Fatal(err)
		}
		want := *f
		refused(t, what, json.Unmarshal([]byte(raw), f))
		if *f != want {
			t.Errorf("%s: the frontier changed", what)
		}
	}
	if got := decoded[translog.Frontier](t, []byte(`{"v":1,"size":1099511627776,"hashes":`+hashList(1)+`}`)); got.Size() != translog.MaxSize {
		t.Error("the largest log's frontier was refused")
	}
	var f translog.Frontier
	refused(t, "blanks only", f.UnmarshalJSON([]byte(strings.Repeat(" ", 1<<16)+`{"v":1,"size":0,"hashes":[]}`)))
}
