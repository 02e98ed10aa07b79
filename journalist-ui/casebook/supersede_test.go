package casebook

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func undescribed(n int) Submission {
	s := sample(n)
	s.Language, s.Message, s.Doubtful, s.Items = "", "", "envelope", []Item{{N: 1}}
	return s
}

func TestSupersede(t *testing.T) {
	c, path := fresh(t)
	mustAdd(t, c, undescribed(1))
	mustAdd(t, c, sample(2))
	if err := c.SupersedeSubmission(t.Context(), sample(1)); err != nil {
		t.Fatal(err)
	}
	want := []Submission{sample(2), sample(1)} // where it stood
	for name, c := range map[string]*Casebook{"as it is": c, "opened again": reopen(t, path)} {
		if diff := cmp.Diff(want, allSubmissions(t, c)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	r := mustRecord(t, c, "Titre")
	if x := mustAttach(t, c, r.ID, sample(1).ID, 2); x.SHA256 != digest(1, 2) {
		t.Errorf("attached %+v", x)
	}
}

// What is known of a submission is never replaced.
func TestSupersedeRefuses(t *testing.T) {
	c, _ := fresh(t)
	mustAdd(t, c, sample(1))
	mustAdd(t, c, undescribed(2))
	files := sample(3)
	files.Doubtful = "files"
	mustAdd(t, c, files)
	before := allSubmissions(t, c)
	changed := sample(1)
	changed.Message = "Autre chose."
	other := undescribed(2)
	other.Doubtful = "manifest"
	invalid := sample(2)
	invalid.Day = "hier"
	for what, test := range map[string]struct {
		s    Submission
		want error
	}{
		"a sound one":             {changed, ErrConflict},
		"a sound one by a doubt":  {undescribed(1), ErrConflict},
		"a doubt by a doubt":      {other, ErrConflict},
		"a described doubtful":    {sample(3), ErrConflict},
		"one that is not there":   {sample(4), ErrNotFound},
		"one that is not allowed": {invalid, ErrInvalid},
	} {
		if err := c.SupersedeSubmission(t.Context(), test.s); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if diff := cmp.Diff(before, allSubmissions(t, c)); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}

func TestAddRecordWith(t *testing.T) {
	c, _ := fresh(t)
	mustAdd(t, c, sample(1))
	for what, item := range map[string]int{"no such item": 9, "the manifest": 0} {
		if _, err := c.AddRecordWith(t.Context(), "Titre", nil, sample(1).ID, item); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := c.AddRecordWith(t.Context(), "", nil, sample(1).ID, 1); !errors.Is(err, ErrInvalid) {
		t.Errorf("without title: %v", err)
	}
	if all := allRecords(t, c); len(all) != 0 {
		t.Errorf("%d records were made", len(all))
	}
	r, err := c.AddRecordWith(t.Context(), "Titre", []Field{{"Ville", "Nice"}}, sample(1).ID, 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Record{r}, allRecords(t, c)); diff != "" || r.Exhibits[0].SHA256 != digest(1, 2) {
		t.Errorf("-returned +stored:\n%s", diff)
	}
}
