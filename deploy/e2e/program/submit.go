package program

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
)

// A File is a file to submit. With its size given the request says its length
// beforehand, as a browser's does; without, it is chunked.
type File struct {
	Name    string
	Content io.Reader
	Size    int64
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
	body, length, kind, err := form(words, channel, message, files)
	if err != nil {
		return 0, "", err
	}
	request, err := http.NewRequest(http.MethodPost, v.URL+"/submit?lang=fr", body)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", kind)
	request.ContentLength = length
	response, err := v.Client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), err
}

// form strings together what a browser sends. The length is -1 when a file's
// is not known.
func form(words, channel, message string, files []File) (body io.Reader, length int64, kind string, err error) {
	var frame bytes.Buffer
	w := multipart.NewWriter(&frame)
	err = errors.Join(w.WriteField("passphrase", words), w.WriteField("channel", channel), w.WriteField("message", message))
	var parts []io.Reader
	known := true
	add := func(content io.Reader, size int64) {
		length += int64(frame.Len()) + size
		parts = append(parts, bytes.NewReader(bytes.Clone(frame.Bytes())), content)
		frame.Reset()
	}
	for _, f := range files {
		_, partErr := w.CreateFormFile("files", f.Name)
		err = errors.Join(err, partErr)
		known = known && f.Size > 0
		add(f.Content, f.Size)
	}
	err = errors.Join(err, w.Close())
	add(bytes.NewReader(nil), 0)
	if !known {
		length = -1
	}
	return io.MultiReader(parts...), length, w.FormDataContentType(), err
}
