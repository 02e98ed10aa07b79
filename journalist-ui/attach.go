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
	record := r.PostForm.Get("record")
	x, err := d.Attach(r.Context(), record, mux.Vars(r)["id"], n)
	if err != nil {
		return err
	}
	showExhibit(w, r, record, x.Number)
	return nil
}

func showExhibit(w http.ResponseWriter, r *http.Request, record string, number int) {
	http.Redirect(w, r, fmt.Sprintf("/records/%s#exhibit-%d", record, number), http.StatusSeeOther)
}
