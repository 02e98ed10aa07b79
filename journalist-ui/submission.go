package journalist

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
)

// maxChoices is how many records a form offers, the last added.
const maxChoices = 500

// A submissionPage also offers to attach one of its items.
type submissionPage struct {
	casebook.Submission
	Records []casebook.Record
	Next    string // the id of the one imported before, to read on
}

// Attachable are the items that can become exhibits: those whose digest the
// manifest told.
func (p submissionPage) Attachable() []casebook.Item {
	return slices.DeleteFunc(slices.Clone(p.Items), func(i casebook.Item) bool { return i.SHA256 == "" })
}

func (s *Site) submission(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	id := mux.Vars(r)["id"]
	found, err := d.Casebook().Submission(r.Context(), id)
	if err != nil {
		return err
	}
	page := submissionPage{Submission: found}
	if page.Records, err = someRecords(r, d); err != nil {
		return err
	}
	for next, err := range d.Casebook().Submissions(r.Context(), id) {
		if err != nil {
			return err
		}
		page.Next = next.ID
		break
	}
	s.show(w, r, http.StatusOK, "submission", page)
	return nil
}

func someRecords(r *http.Request, d *desk.Desk) ([]casebook.Record, error) {
	var some []casebook.Record
	for record, err := range d.Casebook().Records(r.Context(), "") {
		if err != nil {
			return nil, err
		}
		if some = append(some, record); len(some) == maxChoices {
			break
		}
	}
	return some, nil
}

func (s *Site) toSubmission(w http.ResponseWriter, r *http.Request, _ *desk.Desk) error {
	http.Redirect(w, r, "/submissions/"+mux.Vars(r)["id"], http.StatusSeeOther)
	return nil
}
