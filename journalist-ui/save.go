package journalist

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sourdine/journalist-ui/desk"
)

func (s *Site) warnBeforeSaving(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	page, err := findItem(r, d)
	if err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, "save", page)
	return nil
}

// save sends a document to the browser as a file to keep, never as one to show.
func (s *Site) save(w http.ResponseWriter, r *http.Request, d *desk.Desk) error {
	page, err := findItem(r, d)
	if err != nil {
		return err
	}
	if err := checkItem(r.Context(), d, page); err != nil {
		return err
	}
	_, plain, err := d.Item(r.Context(), page.Submission.ID, page.N)
	if err != nil {
		return err
	}
	defer plain.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", saveName(page.N, page.Name)))
	if page.SHA256 != "" {
		h.Set("Content-Length", strconv.FormatInt(page.Size, 10))
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, plain, make([]byte, copyBuffer)); err != nil {
		if !errors.Is(err, r.Context().Err()) {
			s.config.Failed(errors.New("an item could not be sent to its end"))
		}
		panic(http.ErrAbortHandler) // so that the browser does not take it for whole
	}
	return nil
}

// saveName makes a name of our own that reminds of the source's: the item's
// number, what is harmless of the name, and an extension that no program opens by
// itself. "../état civil «№1».pdf" becomes "1-etat-civil-No1.pdf.bin".
func saveName(n int, name string) string {
	const longest = 60 // characters
	safe := harmless(path.Base(strings.ReplaceAll(name, `\`, "/")))
	if extension := path.Ext(safe); len(safe) > longest && len(extension) < 12 {
		safe = strings.TrimRight(safe[:longest-len(extension)], ".-_") + extension
	}
	safe = safe[:min(len(safe), longest)]
	if safe == "" {
		return fmt.Sprintf("%d.bin", n)
	}
	return fmt.Sprintf("%d-%s.bin", n, safe)
}

// harmless keeps letters and digits of ASCII, with accents taken off, dots and
// underscores. Everything else becomes a hyphen, neither doubled nor at an end.
func harmless(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(name) {
		switch {
		case unicode.Is(unicode.Mn, r): // an accent, apart from its letter
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '_'):
			if gap && b.Len() > 0 && r != '.' && !strings.HasSuffix(b.String(), ".") {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	return strings.Trim(b.String(), "._")
}
