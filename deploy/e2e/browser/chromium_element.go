package browser

import (
	"context"
	"errors"
	"strings"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A chromiumElement is an object of the isolated world that found it.
type chromiumElement struct {
	c  *Chromium
	id runtime.RemoteObjectID
}

// on calls a function with the element as this.
func on[T any](ctx context.Context, el *chromiumElement, function string, args ...any) (T, error) {
	this := func(p *runtime.CallFunctionOnParams) { p.ObjectID = el.id }
	return chromedp.Run(el.c.in(ctx), chromedp.CallFunctionOn[T](function, this, args...))
}

func (el *chromiumElement) Click(ctx context.Context) error {
	x, y, err := el.point(ctx)
	if err != nil {
		return err
	}
	for _, kind := range []input.DispatchMouseEventType{
		input.DispatchMouseEventTypeMouseMoved,
		input.DispatchMouseEventTypeMousePressed,
		input.DispatchMouseEventTypeMouseReleased,
	} {
		event := input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1}
		if kind == input.DispatchMouseEventTypeMouseMoved {
			event.Button, event.ClickCount = input.MouseButtonNone, 0
		}
		if _, err := chromedp.Call(el.c.in(ctx), input.DispatchMouseEvent, event); err != nil {
			return err
		}
	}
	return nil
}

// point returns where a mouse hits the element, in the tab's visible part, or an
// error if something else would be hit.
func (el *chromiumElement) point(ctx context.Context) (x, y float64, err error) {
	hit, err := on[bool](ctx, el, `function() {
		this.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
		const box = this.getClientRects()[0];
		if (!box) return false;
		const top = document.elementFromPoint(box.x + box.width/2, box.y + box.height/2);
		return top !== null && this.contains(top);
	}`)
	if err != nil {
		return 0, 0, err
	}
	if !hit {
		return 0, 0, errors.New("it is hidden, or covered by something else")
	}
	res, err := chromedp.Call(el.c.in(ctx), dom.GetContentQuads, dom.GetContentQuadsParams{ObjectID: el.id})
	if err != nil {
		return 0, 0, err
	}
	if len(res.Quads) == 0 || len(res.Quads[0]) != 8 {
		return 0, 0, errors.New("it has no place on the page")
	}
	q := res.Quads[0] // four corners, clockwise
	return (q[0] + q[4]) / 2, (q[1] + q[5]) / 2, nil
}

func (el *chromiumElement) Type(ctx context.Context, text string) error {
	paste := ""
	if len(text) > maxTyped {
		paste, text = text, ""
	}
	ready, err := on[bool](ctx, el, `function(paste) {
		if (this.type === "file") return false;
		this.focus();
		const end = this.value?.length;
		if (paste) this.setRangeText(paste, end, end, "end");
		else try { this.setSelectionRange(end, end) } catch { /* has no caret */ }
		return document.activeElement === this;
	}`, paste)
	if err != nil || text == "" && ready {
		return err
	}
	if !ready {
		return errors.New("it takes no text")
	}
	_, err = chromedp.Call(el.c.in(ctx), input.InsertText, input.InsertTextParams{Text: text})
	return err
}

func (el *chromiumElement) Text(ctx context.Context) (string, error) {
	text, err := on[string](ctx, el, `function() { return this.innerText ?? this.textContent }`)
	return strings.TrimSpace(text), err
}

func (el *chromiumElement) Attribute(ctx context.Context, name string) (string, error) {
	return on[string](ctx, el, `function(name) { return this.getAttribute(name) ?? "" }`, name)
}

// attach is the same as in Firefox: choose, then wrap what has another name.
func (el *chromiumElement) attach(ctx context.Context, files []UploadFile) error {
	paths, names, err := pathsAndNames(files)
	if err != nil {
		return err
	}
	choice := dom.SetFileInputFilesParams{Files: paths, ObjectID: el.id}
	if _, err := chromedp.Call(el.c.in(ctx), dom.SetFileInputFiles, choice); err != nil {
		return err
	}
	chosen, err := on[int](ctx, el, `function(names) {
		if (names.some(n => n)) {
			const all = new DataTransfer();
			[...this.files].forEach((f, i) => all.items.add(names[i] ? new File([f], names[i], {type: f.type}) : f));
			this.files = all.files;
		}
		return this.files.length;
	}`, names)
	if err == nil && chosen != len(files) {
		err = errors.New("the page took another number of files")
	}
	return err
}
