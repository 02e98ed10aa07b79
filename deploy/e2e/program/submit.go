package program

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
)

// A File is a file to submit.
type File struct {
	Name    string
	Content io.Reader
}

var hiddenWords = regexp.MustCompile(`name="passphrase" value="([^"]+)"`)

// A Visitor is a browser without screen: it knows the site's address and how to
// get there.
type Visitor struct {
	URL    string
	Client *http.Client
}

// Words asks the site for the form, as a browser does, and returns the
// passphrase in it.
func (v *Visitor) Words() (string, error) {
	response, err := v.Client.Post(v.URL+"/send?lang=fr", "application/x-www-form-urlencoded", nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	found := hiddenWords.FindSubmatch(page)
	if found == nil {
		return "", fmt.Errorf("the form has no passphrase, status %d", response.StatusCode)
	}
	return string(found[1]), nil
}

// Submit sends a message and files in the order of the site's form. It returns
// an error unless the receipt came.
func (v *Visitor) Submit(message string, files ...File) error {
	words, err := v.Words()
	if err != nil {
		return err
	}
	status, page, err := v.Post(words, Channel, message, files...)
	if err != nil {
		return err
	}
	if status != http.StatusOK || !strings.Contains(page, "<title>Reçu</title>") {
		return fmt.Errorf("status %d instead of a receipt", status)
	}
	return nil
}

// Post sends a form and returns what the site answered. The body is streamed.
func (v *Visitor) Post(words, channel, message string, files ...File) (status int, page string, err error) {
	body, pipe := io.Pipe()
	form := multipart.NewWriter(pipe)
	go func() { pipe.CloseWithError(writeForm(form, words, channel, message, files)) }()
	response, err := v.Client.Post(v.URL+"/submit?lang=fr", form.FormDataContentType(), body)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), err
}

func writeForm(form *multipart.Writer, words, channel, message string, files []File) error {
	err := errors.Join(
		form.WriteField("passphrase", words),
		form.WriteField("channel", channel),
		form.WriteField("message", message))
	buffer := make([]byte, 256<<10)
	for _, f := range files {
		part, partErr := form.CreateFormFile("files", f.Name)
		if partErr != nil {
			return partErr
		}
		_, copyErr := io.CopyBuffer(part, struct{ io.Reader }{f.Content}, buffer)
		err = errors.Join(err, copyErr)
	}
	return errors.Join(err, form.Close())
}
