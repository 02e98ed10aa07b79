package journalist

import (
	"net/http"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
)

// perPage is how many submissions or records a list shows at a time.
const perPage = 50

// A list is a page of a list, and where the next one begins.
type list[T any] struct {
	Values []T
	Before string // the last id shown, when there is more
	First  bool   // this is the list's beginning
}

// inbox lists the submissions, the last imported first.
func (s *Site) inbox(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	before := r.URL.Query().Get("before")
	page := list[casebook.Submission]{First: before == ""}
	for sub, err := range d.Casebook().Submissions(r.Context(), before) {
		if err != nil {
			return err
		}
		if len(page.Values) == perPage {
			page.Before = page.Values[perPage-1].ID
			break
		}
		page.Values = append(page.Values, sub)
	}
	s.show(w, r, http.StatusOK, "inbox", page)
	return nil
}
