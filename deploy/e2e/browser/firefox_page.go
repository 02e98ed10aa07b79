package browser

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

// The key that marks a reference to an element (WebDriver, section 12.1).
const webElement = "element-6066-11e4-a52e-4f735466cecf"

// Navigate implements Browser.
func (f *Firefox) Navigate(ctx context.Context, url string) error {
	if err := f.SwitchToFrame(ctx, ""); err != nil {
		return err
	}
	return f.call(ctx, "WebDriver:Navigate", map[string]string{"url": url}, nil)
}

// URL implements Browser.
func (f *Firefox) URL(ctx context.Context) (url string, err error) {
	return url, f.value(ctx, "WebDriver:GetCurrentURL", nil, &url)
}

// Title implements Browser.
func (f *Firefox) Title(ctx context.Context) (title string, err error) {
	return title, f.value(ctx, "WebDriver:GetTitle", nil, &title)
}

// Source implements Browser.
func (f *Firefox) Source(ctx context.Context) (html string, err error) {
	return html, f.value(ctx, "WebDriver:GetPageSource", nil, &html)
}

// SwitchToFrame implements Browser.
func (f *Firefox) SwitchToFrame(ctx context.Context, css string) error {
	if err := f.call(ctx, "WebDriver:SwitchToFrame", map[string]any{"id": nil}, nil); err != nil || css == "" {
		return err
	}
	el, err := f.find(ctx, css)
	if err != nil {
		return err
	}
	return about(css, "switching to", f.call(ctx, "WebDriver:SwitchToFrame", map[string]string{"element": el.id}, nil))
}

// Screenshot implements Browser.
func (f *Firefox) Screenshot(ctx context.Context, path string) error {
	var picture string
	if err := f.value(ctx, "WebDriver:TakeScreenshot", map[string]any{"full": true, "hash": false}, &picture); err != nil {
		return err
	}
	png, err := base64.StdEncoding.DecodeString(picture)
	if err == nil {
		err = os.WriteFile(path, png, 0o644)
	}
	if err != nil {
		return fmt.Errorf("saving a screenshot: %w", err)
	}
	return nil
}

// Find implements Browser.
func (f *Firefox) Find(ctx context.Context, css string) (Element, error) {
	el, err := f.find(ctx, css)
	if err != nil {
		return nil, err
	}
	return el, nil
}

func (f *Firefox) find(ctx context.Context, css string) (*firefoxElement, error) {
	var ref map[string]string
	if err := f.value(ctx, "WebDriver:FindElement", selector(css), &ref); err != nil {
		return nil, err
	}
	return &firefoxElement{f, ref[webElement]}, nil
}

// FindAll implements Browser.
func (f *Firefox) FindAll(ctx context.Context, css string) ([]Element, error) {
	var refs []map[string]string
	if err := f.call(ctx, "WebDriver:FindElements", selector(css), &refs); err != nil {
		return nil, err
	}
	all := make([]Element, len(refs))
	for i, ref := range refs {
		all[i] = &firefoxElement{f, ref[webElement]}
	}
	return all, nil
}

func selector(css string) any {
	return map[string]string{"using": "css selector", "value": css}
}

// document names the current frame's document by the reference of its root.
func (f *Firefox) document(ctx context.Context) (d document, err error) {
	var state struct {
		Root       map[string]string
		State, URI string
	}
	err = f.script(ctx, `return {Root: document.documentElement, State: document.readyState, URI: document.documentURI}`, nil, &state)
	return document{
		id:     state.Root[webElement],
		loaded: state.State == "complete",
		failed: strings.HasPrefix(state.URI, "about:neterror"),
	}, err
}

// Select implements Browser.
func (f *Firefox) Select(ctx context.Context, css, value string) error {
	el, err := f.find(ctx, css)
	if err != nil {
		return err
	}
	var options []map[string]string
	err = f.script(ctx, `return [...arguments[0].options].filter(o => o.value === arguments[1])`, []any{el.ref(), value}, &options)
	if err == nil && len(options) == 0 {
		err = fmt.Errorf("it has no option %q", value)
	}
	if err == nil {
		err = (&firefoxElement{f, options[0][webElement]}).Click(ctx)
	}
	return about(css, "selecting in", err)
}

// AttachFiles implements Browser.
func (f *Firefox) AttachFiles(ctx context.Context, css string, files []UploadFile) error {
	el, err := f.find(ctx, css)
	if err == nil {
		err = about(css, "attaching files to", el.attach(ctx, files))
	}
	return err
}
