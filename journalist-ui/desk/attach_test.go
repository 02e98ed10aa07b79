package desk_test

import (
	"errors"
	"testing"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
)

// Only what is at the desk, and is what its manifest says, becomes an exhibit.
func TestAttach(t *testing.T) {
	d, home, id := imported(t) // the second item differs
	v := desktest.NewVault(t)
	v2, other := desktest.New(t), ""
	s := v.Sealer(desktest.Certificate(t, home))
	listed, err := desktest.Manifest("", desktest.File{Data: []byte("a")}, desktest.File{Data: []byte("b")}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	other = v.Commit(s.Envelope(), v.Seal(s, listed), v.Seal(s, []byte("a"))) // the second item never came
	importParcel(t, v2, v.Parcel())
	for _, c := range []struct {
		d    *desk.Desk
		id   string
		n    int
		want error
	}{{d, id, 1, nil}, {d, id, 2, desk.ErrDiffers}, {d, id, 3, desk.ErrNotFound}, {v2, other, 1, nil}, {v2, other, 2, desk.ErrNotFound}} {
		record, err := c.d.Casebook().AddRecord(ctx, "Titre", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.d.Attach(ctx, record.ID, c.id, c.n)
		if !errors.Is(err, c.want) {
			t.Errorf("item %d: %v, want %v", c.n, err, c.want)
		}
		if err := c.d.CheckExhibit(ctx, c.id, c.n); !errors.Is(err, c.want) {
			t.Errorf("checking item %d: %v, want %v", c.n, err, c.want)
		}
		after, err := c.d.Casebook().Record(ctx, record.ID)
		if attached := c.want == nil; err != nil || (len(after.Exhibits) == 1) != attached {
			t.Errorf("item %d: %d exhibits, %v", c.n, len(after.Exhibits), err)
		}
	}
}

func TestUndescribedItemIsNoExhibit(t *testing.T) {
	d, home := openNew(t)
	v := desktest.NewVault(t)
	s := v.Sealer(desktest.Certificate(t, home))
	id := v.Commit(s.Envelope(), v.Seal(s, []byte("{}")), v.Seal(s, []byte("le texte")))
	importParcel(t, d, v.Parcel())
	if err := d.CheckExhibit(ctx, id, 1); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
