package desk_test

import (
	"errors"
	"path/filepath"
	"testing"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
)

// An audit of a sound desk finds nothing; of one whose disk rots, the file.
func TestAudit(t *testing.T) {
	v := desktest.NewVault(t)
	first := desktest.NewHome(t)
	id := v.Submit(desktest.Certificate(t, first), "un", desktest.File{Name: "a", Data: []byte("le fichier")})
	v.Submit(desktest.Certificate(t, first), "deux")
	p := v.Parcel()
	d, _ := openNew(t)
	if _, err := d.Audit(t.Context()); !errors.Is(err, desk.ErrNoVault) {
		t.Errorf("an empty desk: %v", err)
	}
	for what, rot := range rots {
		d, home := openNew(t)
		importParcel(t, d, p)
		a, err := d.Audit(t.Context())
		if err != nil || !a.Sound() || a.Submissions != 2 || a.Files != 5 || a.Leaves != 4 {
			t.Fatalf("a sound desk: %+v, %v", a, err)
		}
		if err := rot(filepath.Join(home, "sealed", id)); err != nil {
			t.Fatal(err)
		}
		a, err = d.Audit(t.Context())
		got := kinds(a.Findings[id])
		if err != nil || a.Sound() || len(got) == 0 || got[0] != desk.StoredDamaged && got[0] != desk.StoredLost {
			t.Errorf("%s: %v, %v", what, got, err)
		}
		importParcel(t, d, p)
		if a, err := d.Audit(t.Context()); err != nil || !a.Sound() {
			t.Errorf("%s: mended: %+v, %v", what, a, err)
		}
	}
}
