package journalist

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"sourdine/journalist-ui/desk"
	"sourdine/vault/order"
)

// A returnPage is what waits for the server, and the form that signs it.
type returnPage struct {
	desk.Outgoing
	Mistake string // a text's id
	// Again is how many of the deletions the server had done before it was restored.
	Again    int
	Restored bool // it was, and nobody has accepted that: it refuses return parcels
}

// Something reports whether there is anything to sign, or to write again.
func (p returnPage) Something() bool {
	return p.Pending != nil || p.Acknowledged+p.Opened+len(p.Deletions)+p.Outgoing.Replies+p.Outgoing.Envelopes > 0
}

func (s *Site) outgoing(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	return s.showOutgoing(w, r, d, http.StatusOK, "")
}

func (s *Site) showOutgoing(w http.ResponseWriter, r *http.Request, d *desk.Desk, status int, mistake string) error {
	out, err := d.Outgoing(r.Context())
	if err != nil {
		return err
	}
	findings, err := d.Findings()
	if err != nil {
		return err
	}
	waiting, err := d.Restorations()
	if err != nil {
		return err
	}
	page := returnPage{Outgoing: out, Mistake: mistake, Restored: len(waiting) > 0}
	for _, id := range out.Deletions {
		if slices.Contains(findings.Again, id) {
			page.Again++
		}
	}
	s.show(w, r, status, "return", page)
	return nil
}

// writeReturn signs the return parcel and sends it to the browser as a file to
// keep. The passphrase is asked for each time: an open desk alone orders nothing.
func (s *Site) writeReturn(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	p, err := d.PrepareReturn(r.Context(), []byte(r.PostForm.Get("passphrase")))
	if errors.Is(err, desk.ErrPassphrase) {
		return s.showOutgoing(w, r, d, http.StatusForbidden, "unlock_wrong")
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="return-%d.tar"`, p.Sequence))
	if err := p.Write(r.Context(), w); err != nil {
		if !errors.Is(err, r.Context().Err()) {
			s.config.Failed(fmt.Errorf("a return parcel could not be sent to its end: %w", err))
		}
		panic(http.ErrAbortHandler) // so that the browser does not take it for whole
	}
	return nil
}

// reply seals an answer to the source.
func (s *Site) reply(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	if _, err := d.Reply(r.Context(), mux.Vars(r)["id"], r.PostForm.Get("text")); err != nil {
		return err
	}
	return s.toSubmission(w, r, d)
}

// warnBeforeDeleting asks once more: nobody can take a deletion back.
func (s *Site) warnBeforeDeleting(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	found, err := d.Casebook().Submission(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, "delete", found)
	return nil
}

func (s *Site) orderDeletion(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	if err := d.OrderDeletion(r.Context(), mux.Vars(r)["id"]); err != nil {
		return err
	}
	return s.toSubmission(w, r, d)
}

func (s *Site) withdrawDeletion(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	if err := d.WithdrawDeletion(mux.Vars(r)["id"]); err != nil {
		return err
	}
	return s.toSubmission(w, r, d)
}

// Refusal says why the server did not do something.
func (v view) Refusal(reason order.Reason) string {
	if slices.Contains(order.Reasons(), reason) {
		return v.Text("refusal_" + string(reason))
	}
	return v.Text("refusal_other")
}

// Refused says what it was.
func (v view) Refused(list order.List) string {
	switch list {
	case order.ListReplies:
		return v.Text("refused_reply")
	case order.ListDeletions:
		return v.Text("refused_deletion")
	case order.ListEnvelopes:
		return v.Text("refused_envelope")
	}
	return v.Text("refused_other")
}
