package browser

import (
	"context"
	"errors"
	"strings"
)

// A firefoxElement is a reference that Firefox keeps as long as the document.
type firefoxElement struct {
	f  *Firefox
	id string
}

func (el *firefoxElement) ref() map[string]string { return map[string]string{webElement: el.id} }

func (el *firefoxElement) Click(ctx context.Context) error {
	return el.f.call(ctx, "WebDriver:ElementClick", map[string]string{"id": el.id}, nil)
}

func (el *firefoxElement) Type(ctx context.Context, text string) error {
	if len(text) > maxTyped {
		return el.f.script(ctx, `arguments[0].setRangeText(arguments[1], arguments[0].value.length, arguments[0].value.length, "end")`,
			[]any{el.ref(), text}, nil)
	}
	return el.keys(ctx, text)
}

// keys types, or chooses files whose paths are the lines of text.
func (el *firefoxElement) keys(ctx context.Context, text string) error {
	return el.f.call(ctx, "WebDriver:ElementSendKeys", map[string]string{"id": el.id, "text": text}, nil)
}

func (el *firefoxElement) Text(ctx context.Context) (text string, err error) {
	err = el.f.value(ctx, "WebDriver:GetElementText", map[string]string{"id": el.id}, &text)
	return strings.TrimSpace(text), err
}

func (el *firefoxElement) Attribute(ctx context.Context, name string) (value string, err error) {
	return value, el.f.value(ctx, "WebDriver:GetElementAttribute", map[string]string{"id": el.id, "name": name}, &value)
}

// attach chooses the files as a user does and then wraps each that has another
// name in a File of that name. Wrapping copies nothing: the bytes are still read
// from the disk, by Firefox, when it encodes the form.
func (el *firefoxElement) attach(ctx context.Context, files []UploadFile) error {
	if err := el.f.script(ctx, `arguments[0].mozSetFileArray([])`, []any{el.ref()}, nil); err != nil {
		return err
	}
	if len(files) == 0 {
		return nil
	}
	paths, names, err := pathsAndNames(files)
	if err != nil {
		return err
	}
	if err := el.keys(ctx, strings.Join(paths, "\n")); err != nil {
		return err
	}
	var chosen int
	err = el.f.script(ctx, `
		const [input, names] = arguments;
		const files = [...input.files];
		if (names.some(n => n))
			input.mozSetFileArray(files.map((f, i) => names[i] ? new File([f], names[i], {type: f.type}) : f));
		return input.files.length`, []any{el.ref(), names}, &chosen)
	if err == nil && chosen != len(files) {
		err = errors.New("the page took another number of files")
	}
	return err
}
