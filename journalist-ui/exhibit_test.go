package journalist

import (
	"net/http"
	"net/url"
	"testing"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
)

func countRecords(t *testing.T, d *desk.Desk) (all []casebook.Record) {
	t.Helper()
	for r, err := range d.Casebook().Records(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// A record whose first exhibit is refused is not made; and the page attaches no
// item that is not what its manifest says.
func TestNoRecordWithoutItsExhibit(t *testing.T) {
	home := desktest.NewHome(t)
	d := desktest.Open(t, home)
	v := desktest.NewVault(t)
	raw, err := desktest.Manifest("", desktest.File{Data: []byte("promised")}, desktest.File{Data: []byte("never")}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := v.Sealer(desktest.Certificate(t, home))
	id := v.Commit(s.Envelope(), v.Seal(s, raw), v.Seal(s, []byte("received")))
	doubtful := v.Commit(s.Envelope(), v.Seal(s, []byte("{}")), v.Seal(s, []byte("le texte")))
	importAll(t, d, v)
	r := open(t, newSite(t, d, nil))
	for _, c := range []struct {
		id, item string
		status   int
	}{
		{id, "1", http.StatusConflict}, {id, "2", http.StatusNotFound}, {id, "99", http.StatusNotFound},
		{"nosuch", "1", http.StatusNotFound}, {doubtful, "1", http.StatusBadRequest},
	} {
		got := r.post("/records/new", url.Values{"title": {"Titre"}, "submission": {c.id}, "item": {c.item}})
		r.problem(got, c.status, "")
		if all := countRecords(t, d); len(all) != 0 {
			t.Fatalf("item %s: %d records", c.item, len(all))
		}
	}
	record, err := d.Casebook().AddRecord(t.Context(), "Titre", nil)
	if err != nil {
		t.Fatal(err)
	}
	for item, status := range map[string]int{"1": http.StatusConflict, "2": http.StatusNotFound} {
		r.problem(r.post("/submissions/"+id+"/attach", url.Values{"item": {item}, "record": {record.ID}}), status, "")
	}
	if all := countRecords(t, d); len(all[0].Exhibits) != 0 {
		t.Errorf("%d exhibits", len(all[0].Exhibits))
	}
}
