package journalist

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
)

func (s *Site) records(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	before := r.URL.Query().Get("before")
	page := list[casebook.Record]{First: before == ""}
	for record, err := range d.Casebook().Records(r.Context(), before) {
		if err != nil {
			return err
		}
		if len(page.Values) == perPage {
			page.Before = page.Values[perPage-1].ID
			break
		}
		page.Values = append(page.Values, record)
	}
	s.show(w, r, http.StatusOK, "records", page)
	return nil
}

func (s *Site) record(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	record, err := d.Casebook().Record(r.Context(), mux.Vars(r)["record"])
	if err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, "record", record)
	return nil
}

// emptyFields is how many empty fields the form of a new record offers.
const emptyFields = 4

// A recordForm is a record that is being written. Submission and Item, when
// set, are what will be its first exhibit.
type recordForm struct {
	Title      string
	Fields     []casebook.Field
	Submission string
	Item       int
	Mistake    mistake
}

func (s *Site) newRecord(w http.ResponseWriter, r *http.Request, _ *desk.Desk) error {
	item, _ := strconv.Atoi(r.URL.Query().Get("item")) // none is fine
	form := recordForm{Submission: r.URL.Query().Get("submission"), Item: item}
	if form.Submission == "" || form.Item == 0 {
		form.Submission, form.Item = "", 0
	}
	s.showRecordForm(w, r, http.StatusOK, form)
	return nil
}

func (s *Site) showRecordForm(w http.ResponseWriter, r *http.Request, status int, form recordForm) {
	for range emptyFields - min(emptyFields-1, len(form.Fields)) {
		form.Fields = append(form.Fields, casebook.Field{})
	}
	s.show(w, r, status, "newrecord", form)
}

func (s *Site) addRecord(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	if err := r.ParseForm(); err != nil {
		return errForm
	}
	form := readRecordForm(r)
	if form.Submission != "" {
		return s.addRecordWith(w, r, d, form)
	}
	record, err := d.Casebook().AddRecord(r.Context(), form.Title, form.Fields)
	if errors.Is(err, casebook.ErrInvalid) {
		return s.showMistake(w, r, form)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/records/"+record.ID, http.StatusSeeOther)
	return nil
}

// addRecordWith looks at the exhibit first: a form with a mistake in it can be
// mended, an item that may not become an exhibit cannot.
func (s *Site) addRecordWith(w http.ResponseWriter, r *http.Request, d *desk.Desk, form recordForm) error {
	if err := d.CheckExhibit(r.Context(), form.Submission, form.Item); err != nil {
		return err
	}
	record, err := d.Casebook().AddRecordWith(r.Context(), form.Title, form.Fields, form.Submission, form.Item)
	if errors.Is(err, casebook.ErrInvalid) {
		return s.showMistake(w, r, form)
	}
	if err != nil {
		return err
	}
	showExhibit(w, r, record.ID, record.Exhibits[0].Number)
	return nil
}

func (s *Site) showMistake(w http.ResponseWriter, r *http.Request, form recordForm) error {
	form.Mistake = mistakeIn(form)
	s.showRecordForm(w, r, http.StatusBadRequest, form)
	return nil
}

func readRecordForm(r *http.Request) recordForm {
	form := recordForm{Title: strings.TrimSpace(r.PostForm.Get("title")), Submission: r.PostForm.Get("submission")}
	form.Item, _ = strconv.Atoi(r.PostForm.Get("item")) // 0 is no item; attaching it fails
	values := r.PostForm["value"]
	for i, key := range r.PostForm["key"] {
		if i >= len(values) {
			break
		}
		key, value := strings.TrimSpace(key), strings.TrimSpace(values[i])
		if key != "" || value != "" {
			form.Fields = append(form.Fields, casebook.Field{Key: key, Value: value})
		}
	}
	return form
}
