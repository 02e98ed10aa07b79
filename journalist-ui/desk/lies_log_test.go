package desk_test

import (
	"archive/tar"
	"bytes"
	"io"
	"slices"
	"testing"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
)

// Parcels whose log is not what was signed are refused as a whole, each for its
// own reason; what they bring is kept apart.
func TestLogsThatAreWrong(t *testing.T) {
	v := desktest.NewVault(t)
	home := desktest.NewHome(t)
	id := v.Submit(desktest.Certificate(t, home), "un")
	other := desktest.NewVault(t)
	other.Submit(desktest.Certificate(t, home), "autre")
	honest := v.Parcel()
	foreign := other.Forge(other.Parcel(), func(*desktest.Forgery) {})
	for what, c := range map[string]struct {
		lie  func(*desktest.Forgery)
		want witness.Kind
	}{
		"a leaf left out":      {func(f *desktest.Forgery) { f.Replace["leaves.jsonl"] = cutLine(f) }, witness.LeavesTooFew},
		"a leaf twice":         {func(f *desktest.Forgery) { f.Replace["leaves.jsonl"] = append(allLines(f), allLines(f)...) }, witness.LeavesTooMany},
		"no leaves":            {func(f *desktest.Forgery) { f.Replace["leaves.jsonl"] = []byte("{}\n") }, witness.LeafUnreadable},
		"another's checkpoint": {func(f *desktest.Forgery) { f.Replace["checkpoint"] = fileOf(t, foreign, "checkpoint") }, witness.Signature},
		"no checkpoint":        {func(f *desktest.Forgery) { f.Replace["checkpoint"] = []byte("bonjour\n") }, witness.Signature},
		"no proofs":            {func(f *desktest.Forgery) { f.Replace["proofs.jsonl"] = []byte("x\n") }, witness.ProofUnreadable},
	} {
		d, _ := openNew(t)
		report, err := d.Import(t.Context(), bytes.NewReader(v.Forge(honest, c.lie)))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !slices.Contains(kinds(report.Parcel), c.want) || report.Sound() || len(submissions(t, d)) != 1 {
			t.Errorf("%s: %+v", what, report)
		}
		if f, err := d.Findings(); err != nil || f.Doubts(id) == (c.want == witness.ProofUnreadable) {
			t.Errorf("%s: doubts %v, %v", what, f.Doubts(id), err)
		}
		report = importParcel(t, d, honest)
		if f, err := d.Findings(); err != nil || report.Found() || f.Doubts(id) {
			t.Errorf("%s: then the honest parcel: %+v, %v", what, report, err)
		}
	}
}

func allLines(f *desktest.Forgery) []byte { return append(bytes.Join(f.Leaves, []byte("\n")), '\n') }

// fileOf reads a file of a parcel.
func fileOf(t *testing.T, p []byte, name string) []byte {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(p)); ; {
		header, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if header.Name == name {
			raw, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
	}
}

func cutLine(f *desktest.Forgery) []byte {
	return append(bytes.Join(f.Leaves[1:], []byte("\n")), '\n')
}
