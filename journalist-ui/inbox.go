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

// An inboxPage also says what a person should look at.
type inboxPage struct {
	list[casebook.Submission]
	Doubts   map[string]bool // submissions that something was found about
	Checking bool            // an import is running, or was interrupted
	Events   int             // that nobody confirmed
	Findings int
}

// inbox lists the submissions, the last imported first.
func (s *Site) inbox(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	before := r.URL.Query().Get("before")
	findings, err := d.Findings()
	if err != nil {
		return err
	}
	page := inboxPage{list: list[casebook.Submission]{First: before == ""}, Doubts: map[string]bool{}}
	page.Checking = findings.Interrupted
	page.Events, page.Findings = findings.News()
	for sub, err := range d.Casebook().Submissions(r.Context(), before) {
		if err != nil {
			return err
		}
		if len(page.Values) == perPage {
			page.Before = page.Values[perPage-1].ID
			break
		}
		page.Values = append(page.Values, sub)
		page.Doubts[sub.ID] = findings.Doubts(sub.ID)
	}
	s.show(w, r, http.StatusOK, "inbox", page)
	return nil
}
