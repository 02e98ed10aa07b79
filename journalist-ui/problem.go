package journalist

import (
	"errors"
	"net/http"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/unseal"
	"sourdine/journalist-ui/witness"
)

var (
	errMethod = errors.New("the page does not take this method")
	errForm   = errors.New("the form could not be read")
)

// A problem is what a page tells of an error: a sentence of the catalogues.
type problem struct {
	status int
	text   string
}

// problemOf is the one place where errors become pages.
func problemOf(err error) problem {
	for _, p := range []struct {
		when error
		problem
	}{
		{desk.ErrNotFound, problem{http.StatusNotFound, "problem_not_found"}},
		{casebook.ErrNotFound, problem{http.StatusNotFound, "problem_not_found"}},
		{errMethod, problem{http.StatusMethodNotAllowed, "problem_method"}},
		{errForm, problem{http.StatusBadRequest, "problem_form"}},
		{casebook.ErrInvalid, problem{http.StatusBadRequest, "problem_invalid"}},
		{desk.ErrDiffers, problem{http.StatusConflict, "problem_differs"}},
		{unseal.ErrDamaged, problem{http.StatusConflict, "problem_damaged"}},
		{unseal.ErrNotForKey, problem{http.StatusConflict, "problem_damaged"}},
		{desk.ErrNoMailbox, problem{http.StatusConflict, "problem_no_mailbox"}},
		{desk.ErrReplyText, problem{http.StatusBadRequest, "problem_reply"}},
		{desk.ErrNoRoster, problem{http.StatusConflict, "problem_no_roster"}},
		{witness.ErrNoRestoration, problem{http.StatusConflict, "problem_no_restoration"}},
		{desk.ErrUnheard, problem{http.StatusConflict, "problem_unheard"}},
		{desk.ErrNothingToReturn, problem{http.StatusConflict, "problem_nothing"}},
		{desk.ErrNoVault, problem{http.StatusConflict, "problem_nothing"}},
		{desk.ErrBusy, problem{http.StatusServiceUnavailable, "problem_busy"}},
		{casebook.ErrBusy, problem{http.StatusServiceUnavailable, "problem_busy"}},
		{casebook.ErrDamaged, problem{http.StatusInternalServerError, "problem_casebook"}},
	} {
		if errors.Is(err, p.when) {
			return p.problem
		}
	}
	return problem{http.StatusInternalServerError, "problem_internal"}
}

func (s *Site) explain(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.status == http.StatusInternalServerError {
		s.config.Failed(err)
	}
	s.show(w, r, p.status, "problem", p.text)
}

// refuse answers whoever has not passed the gate: a page without style, which
// tells nothing but how the reviewer gets in.
func (s *Site) refuse(w http.ResponseWriter, r *http.Request) {
	texts := s.texts.For("", r.Header.Get("Accept-Language"))
	http.Error(w, texts.Text("refused"), http.StatusForbidden)
}
