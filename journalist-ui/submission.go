package journalist

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/witness"
)

// maxChoices is how many records a form offers, the last added.
const maxChoices = 500

// A submissionPage also offers to attach one of its items.
type submissionPage struct {
	casebook.Submission
	Records []casebook.Record
	Found   []witness.Finding
	Replies []writtenReply
	Mailbox bool   // there is one to reply to
	Delete  string // how far an order to delete it has come: a text's id, or empty
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
	if err := page.look(d); err != nil {
		return err
	}
	// A full disk keeps nobody from reading.
	if err := d.MarkOpened(r.Context(), id); err != nil {
		s.config.Failed(err)
	}
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

// look fills in what the desk knows beside the casebook.
func (p *submissionPage) look(d *desk.Desk) error {
	findings, err := d.Findings()
	if err != nil {
		return err
	}
	p.Found = findings.Of(p.ID)
	if p.Replies, err = correspondence(d, p.ID); err != nil {
		return err
	}
	state, err := d.DeletionState(p.ID)
	if err != nil {
		return err
	}
	if state != "" {
		p.Delete = "deletion_" + string(state)
	}
	p.Mailbox = d.CanReply(p.ID)
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
