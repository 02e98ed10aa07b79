package journalist

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"sourdine/journalist-ui/desk"
)

// attach makes an item an exhibit of a record, and shows the record.
func (s *Site) attach(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	n, err := strconv.Atoi(r.PostForm.Get("item"))
	if err != nil {
		return errForm
	}
	return attachAndShow(w, r, d, r.PostForm.Get("record"), mux.Vars(r)["id"], n)
}

func attachAndShow(w http.ResponseWriter, r *http.Request, d *desk.Desk, record, submission string, n int) error {
	x, err := d.Casebook().Attach(r.Context(), record, submission, n)
	if err != nil {
		return err
	}
	http.Redirect(w, r, fmt.Sprintf("/records/%s#exhibit-%d", record, x.Number), http.StatusSeeOther)
	return nil
}
