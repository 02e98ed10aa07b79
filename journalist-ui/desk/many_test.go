package desk

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sourdine/journalist-ui/witness"
)

// nothings is what a log full of deletions of nothing gives.
func nothings(n int) []witness.Finding {
	var all []witness.Finding
	for i := range n {
		all = append(all, witness.Finding{Kind: witness.DeletionOfNothing, ID: fmt.Sprintf("%026d", i), Leaf: int64(i), Channel: "a", Day: "2026-01-01"})
	}
	return all
}

// However much a server makes up, what is about a submission here is kept, and so is
// what is of another kind.
func TestManyFindings(t *testing.T) {
	f := &Findings{Known: map[string]bool{}}
	flood := nothings(3 * maxOfKind)
	here, last := flood[len(flood)-2].ID, witness.Finding{Kind: witness.SubmissionTwice, ID: "late", Leaf: 1 << 30}
	f.addLog(append(flood, last), map[string]bool{here: true})
	if len(f.Log) != maxOfKind+2 || f.More[moreLog] != 2*maxOfKind-1 || !f.Doubts(here) || !f.Doubts("late") {
		t.Errorf("%d kept, %v more, doubts %v %v", len(f.Log), f.More, f.Doubts(here), f.Doubts("late"))
	}
	f.addLog(f.Log, map[string]bool{here: true}) // again
	if len(f.Log) != maxOfKind+2 || f.More[moreLog] != 2*maxOfKind-1 {
		t.Errorf("again: %d kept, %v more", len(f.Log), f.More)
	}
	f.setLog(flood[:3], nil)
	f.setMissing(flood, nil)
	if len(f.Log) != 3 || f.More[moreLog] != 0 || len(f.Missing) != maxOfKind || f.More[moreMissing] != 2*maxOfKind {
		t.Errorf("%d in the log, %d missing, %v more", len(f.Log), len(f.Missing), f.More)
	}
	for _, one := range flood {
		f.refuse(one)
	}
	f.refuse(witness.Finding{Kind: witness.Fork})
	if len(f.Parcels) != maxOfKind+1 || f.More[moreParcels] != 2*maxOfKind || f.Parcels[maxOfKind].Kind != witness.Fork {
		t.Errorf("%d of parcels, %v more", len(f.Parcels), f.More)
	}
}

func TestManyEvents(t *testing.T) {
	f := &Findings{}
	for leaf := range int64(3 * maxOfKind) {
		f.tell([]witness.Event{{Kind: witness.ReviewerRenamed, Leaf: leaf}})
	}
	f.tell([]witness.Event{{Kind: witness.ReviewerAdded}})
	if len(f.Events) != maxOfKind+1 || f.Events[maxOfKind].Kind != witness.ReviewerAdded || f.More[moreEvents] != 2*maxOfKind {
		t.Errorf("%d events, %v more", len(f.Events), f.More)
	}
}

// A page that shows the findings does not take hours to.
func TestManyFindingsAtOnce(t *testing.T) {
	f := &Findings{Log: nothings(60_000), Known: map[string]bool{}}
	start := time.Now()
	if _, findings := f.News(); findings != 60_000 {
		t.Errorf("%d findings", findings)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// What could not be read again is not written.
func TestFindingsTooLarge(t *testing.T) {
	d := &Desk{home: t.TempDir()}
	where := filepath.Join(d.home, findingsName)
	if err := d.keepFindings(&Findings{Version: findingsVersion}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(where)
	if err != nil {
		t.Fatal(err)
	}
	huge := witness.Finding{Kind: witness.LeafUnreadable, Cause: string(bytes.Repeat([]byte("a"), maxFindings))}
	if err := d.keepFindings(&Findings{Version: findingsVersion, Log: []witness.Finding{huge}}); err == nil {
		t.Error("it was written")
	}
	if after, err := os.ReadFile(where); err != nil || !bytes.Equal(before, after) {
		t.Errorf("what was there is another: %v", err)
	}
}

// Two findings that differ in anything are confirmed one by one.
func TestFindingKey(t *testing.T) {
	a := witness.Finding{Kind: witness.RecipientAdded, ID: "x", Leaf: 4}
	for what, change := range map[string]func(*witness.Finding){
		"key id": func(f *witness.Finding) { f.KeyID = "A" }, "key": func(f *witness.Finding) { f.Key = "A" },
		"name": func(f *witness.Finding) { f.Name = "A" }, "day": func(f *witness.Finding) { f.Day = "A" },
		"cause": func(f *witness.Finding) { f.Cause = "A" }, "fingerprint": func(f *witness.Finding) { f.Fingerprint = "A" },
		"item": func(f *witness.Finding) { f.Item = 1 },
	} {
		b := a
		change(&b)
		if FindingKey(a) == FindingKey(b) {
			t.Errorf("%s: the same key", what)
		}
	}
}
