package journalist

import (
	"errors"
	"net/http"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/witness"
)

// A shownRestoration is one that waits for the admin's words, or was accepted and
// waits for its parcel.
type shownRestoration struct {
	witness.Restoration
	Lost []shownLost
}

// A shownLost is a submission that the server has lost.
type shownLost struct {
	witness.Accepted
	Here bool
}

// restorations lists them with what is at this desk of what is gone.
func restorations(r *http.Request, d *desk.Desk) ([]shownRestoration, error) {
	waiting, err := d.Restorations()
	if err != nil {
		return nil, err
	}
	var all []shownRestoration
	for _, one := range waiting {
		shown := shownRestoration{Restoration: one}
		for _, s := range one.Gone.Submissions {
			_, err := d.Casebook().Submission(r.Context(), s.ID)
			if err != nil && !errors.Is(err, casebook.ErrNotFound) {
				return nil, err
			}
			shown.Lost = append(shown.Lost, shownLost{s, err == nil})
		}
		all = append(all, shown)
	}
	return all, nil
}

// GoneCount and LostCount are how many entries, and submissions among them, are
// gone.
func (r shownRestoration) GoneCount() int { return int(r.Gone.Leaves) }

// LostCount is explained at [shownRestoration.GoneCount].
func (r shownRestoration) LostCount() int { return len(r.Lost) }

// AsksWords reports whether the page has the form for twelve words.
func (p logPage) AsksWords() bool {
	for _, r := range p.Restored {
		if !r.Accepted {
			return true
		}
	}
	return false
}

// acceptRestored takes the admin's twelve words.
func (s *Site) acceptRestored(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	_, err := d.AcceptRestored(r.PostForm.Get("words"))
	switch {
	case errors.Is(err, desk.ErrWordCount):
		return s.showLog(w, r, d, http.StatusBadRequest, "mistake_word_count")
	case errors.Is(err, desk.ErrWords):
		return s.showLog(w, r, d, http.StatusBadRequest, "mistake_words")
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/log", http.StatusSeeOther)
	return nil
}
