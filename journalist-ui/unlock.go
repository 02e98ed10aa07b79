package journalist

import (
	"errors"
	"net/http"

	"sourdine/journalist-ui/desk"
)

// noMistake: the passphrase is asked for the first time.
const noMistake = ""

// askPassphrase shows the form. mistake is a text's id.
func (s *Site) askPassphrase(w http.ResponseWriter, r *http.Request, status int, mistake string) {
	s.show(w, r, status, "unlock", mistake)
}

// unlock takes the passphrase. One at a time: each try takes a core and 128 MiB.
func (s *Site) unlock(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.explain(w, r, errForm)
		return
	}
	s.mu.Lock()
	err := s.tryPassphrase(r, r.PostForm.Get("passphrase"))
	s.mu.Unlock()
	switch {
	case errors.Is(err, desk.ErrPassphrase):
		s.askPassphrase(w, r, http.StatusForbidden, "unlock_wrong")
	case err != nil:
		s.explain(w, r, err)
	default:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func (s *Site) tryPassphrase(r *http.Request, passphrase string) error {
	if s.desk != nil {
		return nil
	}
	if s.config.Unlock == nil {
		return errMethod
	}
	d, err := s.config.Unlock(r.Context(), []byte(passphrase))
	if err != nil {
		return err
	}
	s.desk, s.unlocked = d, true
	return nil
}

func (s *Site) toInbox(w http.ResponseWriter, r *http.Request, _ *desk.Desk) error {
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
