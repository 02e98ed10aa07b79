package admin

import (
	"strings"
	"testing"
)

func TestSpace(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		free, size uint64
		full       bool
	}{
		{0, 0, false}, // unknown
		{0, 10 * gib, true}, {gib - 1, 10 * gib, true}, {gib, 10 * gib, false}, {gib, 100 * gib, false},
		{2 * gib, 300 * gib, true}, {3 * gib, 300 * gib, false}, {0, 1, true}, {1<<64 - 1, 1<<64 - 1, false},
	} {
		if got := spaceProblems(c.free, c.size); (len(got) == 1) != c.full {
			t.Errorf("%d of %d bytes free: %q", c.free, c.size, got)
		}
	}
	if got := spaceProblems(5<<20, gib); !strings.HasPrefix(got[0], "the disk is nearly full: 5 MiB are free") {
		t.Errorf("%q", got)
	}
	free, size, err := diskSpace(t.TempDir())
	if err != nil || free > size {
		t.Errorf("%d of %d, %v", free, size, err)
	}
	if _, _, err := diskSpace(t.TempDir() + "/none"); err == nil {
		t.Error("a folder that is not there has space")
	}
}

// A vault that takes several parcels says so: an admin who carries the first
// only would leave submissions behind.
func TestSeveralParcelsAreAProblem(t *testing.T) {
	channel := Channel{Name: "Nice", Reviewers: []Reviewer{{Valid: true}}}
	if got := problems(Status{Parcels: 1, Channels: []Channel{channel}}); len(got) != 0 {
		t.Errorf("one parcel: %q", got)
	}
	got := problems(Status{Parcels: 3, Channels: []Channel{channel}})
	if len(got) != 1 || !strings.HasPrefix(got[0], "everything does not fit into one parcel, it takes 3: ") {
		t.Errorf("three parcels: %q", got)
	}
}
