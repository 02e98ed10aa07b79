package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Browser is what both browsers can do, so that one test can run in each.
//
// Selectors are CSS, and look into the current frame only (see SwitchToFrame). A
// selector that matches nothing is an error at once, except in the Wait methods.
type Browser interface {
	// Navigate opens url in the top page and returns when it has loaded. An
	// answer with an error status is a page like any other; no answer is an error.
	Navigate(ctx context.Context, url string) error
	// URL and Title are those of the top page; Source is the current frame's
	// document as the browser understood it.
	URL(ctx context.Context) (string, error)
	Title(ctx context.Context) (string, error)
	Source(ctx context.Context) (string, error)
	// SwitchToFrame makes the frame that css selects in the top page the one that
	// all selectors look into; "" goes back to the top page, as Navigate does.
	SwitchToFrame(ctx context.Context, css string) error
	// Screenshot writes the whole top page, not just the visible part, as a PNG
	// file. The picture is as wide as the page, which is at least Options.Width.
	Screenshot(ctx context.Context, path string) error

	// Find returns the first match; FindAll all of them, possibly none.
	Find(ctx context.Context, css string) (Element, error)
	FindAll(ctx context.Context, css string) ([]Element, error)
	// WaitFor returns once css matches; WaitText once its text contains want.
	WaitFor(ctx context.Context, css string) error
	WaitText(ctx context.Context, css, want string) error

	// Click promises nothing about what the click leads to: use it where another
	// frame is the target, and WaitFor something there.
	Click(ctx context.Context, css string) error
	// Follow clicks and returns once another document has replaced that of the
	// current frame and has loaded, however long an upload takes before.
	Follow(ctx context.Context, css string) error
	Type(ctx context.Context, css, text string) error
	Text(ctx context.Context, css string) (string, error)
	Attribute(ctx context.Context, css, name string) (string, error)
	// Select chooses the option with that value attribute in a select element.
	Select(ctx context.Context, css, value string) error
	// AttachFiles makes files the whole choice of a file input.
	AttachFiles(ctx context.Context, css string, files []UploadFile) error

	// Close ends the browser and everything it started. It may be called twice.
	Close() error
}

// Element is one element of a document. It dies with its document.
type Element interface {
	Click(ctx context.Context) error
	// Type adds text at the end. More than 1,000 bytes are put there at once, which
	// takes no notice of maxlength. In Firefox, typing the absolute paths of files,
	// joined by "\n", into a file input adds them to its choice; see AttachFiles.
	Type(ctx context.Context, text string) error
	// Text is what a reader sees of it, without white space around it.
	Text(ctx context.Context) (string, error)
	// Attribute is the attribute as written in the document, "" without one.
	Attribute(ctx context.Context, name string) (string, error)
}

// UploadFile is a file on disk and the name it is sent under.
type UploadFile struct {
	Path string // absolute
	// Name replaces the file's own. It may be one that no disk accepts, such as
	// "../../a.pdf". The content type stays that of Path's extension.
	Name string
}

// Keys beyond this many bytes take too long: 4,000 took Firefox three seconds.
const maxTyped = 1000

// pathsAndNames refuses what the browsers may send as an empty file.
func pathsAndNames(files []UploadFile) (paths, names []string, err error) {
	paths, names = []string{}, []string{} // not nil: JSON's null is no list
	for _, file := range files {
		info, err := os.Stat(file.Path)
		if err != nil {
			return nil, nil, err
		}
		if !info.Mode().IsRegular() || !filepath.IsAbs(file.Path) {
			return nil, nil, fmt.Errorf("%s is not the absolute path of a file", file.Path)
		}
		paths, names = append(paths, file.Path), append(names, file.Name)
	}
	return paths, names, nil
}

var (
	_ Browser = (*Firefox)(nil)
	_ Browser = (*Chromium)(nil)
)
