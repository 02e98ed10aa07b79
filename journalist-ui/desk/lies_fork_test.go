package desk_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/spoken"
)

// An older parcel is told first, and what is in it is checked against the log as
// it is.
func TestOldParcel(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	v.Submit(certificate, "un")
	old := v.Parcel()
	v.Submit(certificate, "deux")
	importParcel(t, d, v.Parcel())
	report := importParcel(t, d, old)
	if got := kinds(report.Parcel); !slices.Equal(got, []witness.Kind{witness.Rollback}) || report.Known != 1 || len(report.Findings) != 0 {
		t.Errorf("report %+v", report)
	}
	if f, err := d.Findings(); err != nil || !slices.Equal(kinds(f.General()), []witness.Kind{witness.Rollback}) {
		t.Errorf("findings %+v, %v", f, err)
	}
}

// A server restored from an old copy goes on with another log: what it brings is
// kept apart.
func TestForkedParcel(t *testing.T) {
	d, home := openNew(t)
	v, certificate := desktest.NewVault(t), desktest.Certificate(t, home)
	first := v.Submit(certificate, "un")
	importParcel(t, d, v.Parcel())
	second := v.Submit(certificate, "deux")
	forked := v.Forge(v.Parcel(), func(f *desktest.Forgery) {
		f.Leaves[0], f.Leaves[1] = f.Leaves[1], f.Leaves[0]
		for i := range f.Index.Submissions {
			f.Index.Submissions[i].Leaf = leafOf(t, f, f.Index.Submissions[i].ID)
		}
	})
	report := importParcel(t, d, forked)
	if len(report.Parcel) == 0 || report.Parcel[0].Kind != witness.Fork || !slices.Contains(kinds(report.Findings[second]), witness.Fork) {
		t.Errorf("report %+v", report)
	}
	f, err := d.Findings()
	if err != nil || !f.Doubts(second) || f.Doubts(first) || submissions(t, d)[second].Message != "deux" {
		t.Errorf("findings %+v, %v", f, err)
	}
}

func leafOf(t *testing.T, f *desktest.Forgery, id string) int64 {
	t.Helper()
	for n, raw := range f.Leaves {
		if bytes.Contains(raw, []byte(`"kind":"submission","id":"`+id)) {
			return int64(n)
		}
	}
	t.Fatalf("no leaf of %s", id)
	return 0
}

// Two desks that were shown two logs find out when they compare.
func TestCompare(t *testing.T) {
	ours, home := openNew(t)
	theirs, _ := openNew(t)
	v := desktest.NewVault(t)
	kept, hidden := v.Submit(desktest.Certificate(t, home), "un"), v.Submit(desktest.Certificate(t, home), "deux")
	honest := v.Parcel()
	importParcel(t, ours, honest)
	importParcel(t, theirs, v.Forge(honest, func(f *desktest.Forgery) {
		without(f, hidden)
		at := leafOf(t, f, hidden)
		f.Leaves = slices.Delete(f.Leaves, int(at), int(at)+1)
		// The batch is shuffled: without its last leaf the log would be an older
		// one, and no other.
		slices.Reverse(f.Leaves)
		f.Index.Submissions[0].Leaf = leafOf(t, f, kept)
	}))
	head, err := theirs.LogHead()
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.Compare(head.Checkpoint); !errors.Is(err, witness.ErrFork) {
		t.Errorf("comparing: %v", err)
	}
	a, err := ours.Audit(t.Context())
	if err != nil || !slices.Contains(kinds(a.Log), witness.Fork) {
		t.Errorf("the audit: %+v, %v", a, err)
	}
	mine, err := ours.LogHead()
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.Compare(mine.Checkpoint); err != nil {
		t.Errorf("with itself: %v", err)
	}
	if err := theirs.Compare(mine.Checkpoint); !errors.Is(err, witness.ErrNotYet) {
		t.Errorf("with one that has seen more: %v", err)
	}
	if strings.Join(spoken.Checkpoint(head.Checkpoint, "fr"), " ") == strings.Join(spoken.Checkpoint(mine.Checkpoint, "fr"), " ") {
		t.Error("two logs have the same words")
	}
}
