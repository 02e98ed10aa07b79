package journalist

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/gorilla/mux"

	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/preview"
)

// An itemPageData is one document and what can be shown of it.
type itemPageData struct {
	casebook.Item
	Submission casebook.Submission
	Records    []casebook.Record

	Preview  preview.Result
	Pictures []template.URL // of Preview.Pages
	Obstacle string         // the id of the text that says why nothing is shown
	Previous int            // the item before, 0 for none
	Next     int
}

func (s *Site) item(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	page, err := findItem(r, d)
	if err != nil {
		return err
	}
	if page.Records, err = someRecords(r, d); err != nil {
		return err
	}
	if err := checkItem(r.Context(), d, page); err != nil {
		return err
	}
	if err := s.preview(r.Context(), d, &page); err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, "item", page)
	return nil
}

// findItem reads the numbers in the address.
func findItem(r *http.Request, d *desk.Desk) (itemPageData, error) {
	vars := mux.Vars(r)
	sub, err := d.Casebook().Submission(r.Context(), vars["id"])
	if err != nil {
		return itemPageData{}, err
	}
	n, err := strconv.Atoi(vars["n"])
	if err != nil {
		return itemPageData{}, desk.ErrNotFound
	}
	i := slices.IndexFunc(sub.Items, func(i casebook.Item) bool { return i.N == n })
	if i < 0 {
		return itemPageData{}, desk.ErrNotFound
	}
	page := itemPageData{Item: sub.Items[i], Submission: sub}
	if i > 0 {
		page.Previous = sub.Items[i-1].N
	}
	if i < len(sub.Items)-1 {
		page.Next = sub.Items[i+1].N
	}
	return page, nil
}

// checkItem reads a document to its end once, before anything of it is shown or
// given out: only the end tells whether it is what the manifest describes.
func checkItem(ctx context.Context, d *desk.Desk, page itemPageData) error {
	_, plain, err := d.Item(ctx, page.Submission.ID, page.N)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, plain, make([]byte, copyBuffer))
	return errors.Join(err, plain.Close())
}

const copyBuffer = 256 << 10

// preview shows what it can, or says why it cannot.
func (s *Site) preview(ctx context.Context, d *desk.Desk, page *itemPageData) error {
	_, plain, err := d.Item(ctx, page.Submission.ID, page.N)
	if err != nil {
		return err
	}
	defer plain.Close()
	size := page.Size
	if page.SHA256 == "" {
		const unknown = -1
		size = unknown
	}
	page.Preview, err = s.config.Preview.Render(ctx, plain, size)
	if errors.Is(err, preview.ErrNoSandbox) {
		s.config.Failed(err) // the terminal is told which wall is missing
	}
	if err != nil {
		page.Obstacle, err = obstacle(err)
		return err
	}
	if page.Preview.Kind == preview.KindOther {
		page.Obstacle = "obstacle_kind"
	}
	for _, p := range page.Preview.Pages {
		// Our own encoder's PNG, in base 64: nothing in it can end the attribute.
		page.Pictures = append(page.Pictures, template.URL("data:image/png;base64,"+base64.StdEncoding.EncodeToString(p.PNG)))
	}
	return nil
}

// obstacle names the text for an error that leaves saving possible.
func obstacle(err error) (text string, other error) {
	switch {
	case errors.Is(err, preview.ErrTooLarge):
		return "obstacle_large", nil
	case errors.Is(err, preview.ErrTimedOut):
		return "obstacle_time", nil
	case errors.Is(err, preview.ErrNoSandbox):
		return "obstacle_sandbox", nil
	case errors.Is(err, preview.ErrDamaged):
		return "obstacle_damaged", nil
	}
	return "", fmt.Errorf("failed to show an item: %w", err)
}
