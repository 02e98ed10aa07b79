package submit

import (
	"errors"
	"net/http"

	"sourdine/submit/mailbox"
	"sourdine/vault"
	"sourdine/vault/seal"
)

// A problem is a refusal that the source can do something about. Its texts are
// in the catalogues under ID and ID_hint; data fills their placeholders and
// holds our own numbers only, never anything that was sent.
type problem struct {
	Status int
	ID     string
	Data   map[string]any
}

func (p problem) Error() string { return p.ID }

// The problems whose texts need no data.
var (
	errMalformed  = problem{http.StatusBadRequest, "problem_malformed", nil}
	errEmpty      = problem{http.StatusBadRequest, "problem_empty", nil}
	errPassphrase = problem{http.StatusBadRequest, "problem_passphrase", nil}
	errChannel    = problem{http.StatusBadRequest, "problem_channel", nil}
	errClosed     = problem{http.StatusServiceUnavailable, "problem_closed", nil}
	errStorage    = problem{http.StatusServiceUnavailable, "problem_storage", nil}
	errInternal   = problem{http.StatusInternalServerError, "problem_internal", nil}
	errNoMailbox  = problem{http.StatusNotFound, "problem_no_mailbox", nil}
	errName       = problem{http.StatusRequestEntityTooLarge, "problem_name", nil}
	errCut        = problem{http.StatusBadRequest, "problem_cut", nil}
)

// asProblem translates every error once into what the source is told.
func asProblem(err error) problem {
	var p problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, vault.ErrNotFound):
		return errChannel
	case errors.Is(err, seal.ErrNoRecipients):
		return errClosed
	case errors.Is(err, mailbox.ErrLocked), errors.Is(err, errPanic):
		return errInternal
	}
	return errStorage
}

// refusal is a handler that always answers with one problem.
func (s *Site) refusal(p problem) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, p) })
}
