package parcel_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"sourdine/vault/parcel"
	"sourdine/vault/translog"
)

// A content is what a parcel holds, read and checked as a desk does.
type content struct {
	index      parcel.Index
	files      map[string][]byte // those before the submissions
	checkpoint translog.Checkpoint
	leaves     [][]byte // from index.Since on
	proofs     []parcel.ProofLine
}

// contentOf reads a parcel of fixedKey(1), its submissions aside.
func contentOf(t testing.TB, p []byte) *content {
	t.Helper()
	r, err := parcel.Open(bytes.NewReader(p), trustAll)
	if err != nil {
		t.Fatal(err)
	}
	c := &content{index: r.Index(), files: map[string][]byte{}}
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil || int64(len(raw)) != f.Size {
			t.Fatalf("%s: %d of %d bytes, %v", f.Name, len(raw), f.Size, err)
		}
		if f.IsLog() {
			c.files[f.Name] = raw
		}
	}
	if c.checkpoint, err = translog.OpenCheckpoint(c.files[parcel.CheckpointName], fixedKey(1).public); err != nil {
		t.Fatal(err)
	}
	c.leaves = lines(t, c.files[parcel.LeavesName])
	for _, line := range lines(t, c.files[parcel.ProofsName]) {
		var p parcel.ProofLine
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		c.proofs = append(c.proofs, p)
	}
	return c
}

// lines are without their line breaks; the last one ends in one, too.
func lines(t testing.TB, raw []byte) (all [][]byte) {
	t.Helper()
	for line := range bytes.Lines(raw) {
		trimmed, ok := bytes.CutSuffix(line, []byte("\n"))
		if !ok {
			t.Fatalf("the last line does not end: %.100q", line)
		}
		all = append(all, trimmed)
	}
	return all
}

// check compares the log's files with one another. seen is the log up to
// index.Since, which a desk that follows the log has.
func (c *content) check(t testing.TB, seen [][]byte) {
	t.Helper()
	x := c.index
	if c.checkpoint.Size != x.Size || int64(len(seen)) != x.Since || int64(len(seen)+len(c.leaves)) != x.Size {
		t.Fatalf("a checkpoint of %d leaves, %d seen, %d in the parcel, which is from %d to %d", c.checkpoint.Size, len(seen), len(c.leaves), x.Since, x.Size)
	}
	f, all := translog.NewFrontier(), append(append([][]byte{}, seen...), c.leaves...)
	older := translog.Checkpoint{Origin: c.checkpoint.Origin, Size: x.Since, Root: f.Root()}
	for i, leaf := range all {
		if err := f.Append(leaf); err != nil {
			t.Fatal(err)
		}
		if int64(i+1) == x.Since {
			older.Root = f.Root()
		}
	}
	if !f.EqualTo(c.checkpoint) {
		t.Errorf("the leaves are not those of the checkpoint")
	}
	c.checkProofs(t, older, all)
	c.checkNamed(t)
}

func (c *content) checkProofs(t testing.TB, older translog.Checkpoint, all [][]byte) {
	t.Helper()
	if len(c.proofs) != 1+len(c.index.Submissions) || c.proofs[0].ID != "" || c.proofs[0].Index != c.index.Since {
		t.Fatalf("%d proofs for %d submissions, the first %+v", len(c.proofs), len(c.index.Submissions), c.proofs[0])
	}
	if err := translog.CheckConsistency(c.proofs[0].Proof, older, c.checkpoint); err != nil {
		t.Error(err)
	}
	for i, s := range c.index.Submissions {
		p := c.proofs[1+i]
		leaf := all[s.Leaf]
		if err := translog.CheckInclusion(p.Proof, leaf, s.Leaf, c.checkpoint); err != nil || p.ID != s.ID || p.Index != s.Leaf {
			t.Errorf("the proof of %s is of %s at %d: %v", s.ID, p.ID, p.Index, err)
		}
		decoded, err := translog.Decode(leaf)
		said, ok := decoded.(translog.Submission)
		if err != nil || !ok || said.ID != s.ID || said.Channel != s.Channel || said.Day != s.Day || said.Epoch > s.Epoch {
			t.Errorf("the leaf of %s is %s, %v", s.ID, leaf, err)
		}
		for n, p := range s.Payloads {
			if said.Payloads[n] != p.SHA256 {
				t.Errorf("payload %d of %s has another digest in the log", n, s.ID)
			}
		}
	}
}

// checkNamed: every roster and order that the leaves name is there, and no other.
func (c *content) checkNamed(t testing.TB) {
	t.Helper()
	want := map[string]bool{parcel.CheckpointName: true, parcel.LeavesName: true, parcel.ProofsName: true}
	for _, raw := range c.leaves {
		leaf, err := translog.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		switch leaf := leaf.(type) {
		case translog.Roster:
			name := "rosters/" + leaf.SHA256 + ".json"
			want[name] = true
			if got := sealedFile(c.files[name]).SHA256; got != leaf.SHA256 {
				t.Errorf("%s has digest %s", name, got)
			}
		case translog.Deletion:
			if leaf.Order != "" {
				want["orders/"+leaf.Order+".txt"] = true
			}
		}
	}
	for name := range c.files {
		if !want[name] && !strings.HasPrefix(name, "applied/") {
			t.Errorf("no leaf names %s", name)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
}
