package browser

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Navigate implements Browser.
func (c *Chromium) Navigate(ctx context.Context, url string) error {
	c.frame = ""
	if err := chromedp.Do(c.in(ctx), chromedp.Navigate(url)); err != nil {
		return fmt.Errorf("navigating: %w", err)
	}
	return nil
}

// URL implements Browser.
func (c *Chromium) URL(ctx context.Context) (string, error) {
	top, err := c.frameInfo(ctx, "")
	if err != nil {
		return "", err
	}
	return top.URL + top.URLFragment, nil
}

// Title implements Browser.
func (c *Chromium) Title(ctx context.Context) (string, error) {
	return evaluate[string](ctx, c, "", `() => document.title`)
}

// Source implements Browser.
func (c *Chromium) Source(ctx context.Context) (string, error) {
	return evaluate[string](ctx, c, c.frame, `() => document.documentElement.outerHTML`)
}

// SwitchToFrame implements Browser. Frames of other sites, which run in another
// process, are out of its reach.
func (c *Chromium) SwitchToFrame(ctx context.Context, css string) error {
	c.frame = ""
	if css == "" {
		return nil
	}
	el, err := c.find(ctx, css)
	if err != nil {
		return err
	}
	node, err := chromedp.Call(c.in(ctx), dom.DescribeNode, dom.DescribeNodeParams{ObjectID: el.id})
	if err == nil && node.Node.FrameID == "" {
		err = fmt.Errorf("a %s is not a frame", node.Node.LocalName)
	}
	if err == nil {
		c.frame = node.Node.FrameID
	}
	return about(css, "switching to", err)
}

// Screenshot implements Browser.
func (c *Chromium) Screenshot(ctx context.Context, path string) error {
	layout, err := chromedp.Call(c.in(ctx), page.GetLayoutMetrics, cdp.Empty{})
	if err != nil {
		return fmt.Errorf("measuring the page: %w", err)
	}
	beyond, size := true, layout.CSSContentSize
	width := max(size.Width, float64(layout.CSSLayoutViewport.ClientWidth))
	height := max(size.Height, float64(layout.CSSLayoutViewport.ClientHeight))
	shot, err := chromedp.Call(c.in(ctx), page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond,
		Clip:                  &page.Viewport{Width: width, Height: height, Scale: 1},
	})
	if err == nil {
		err = os.WriteFile(path, shot.Data, 0o644)
	}
	if err != nil {
		return fmt.Errorf("saving a screenshot: %w", err)
	}
	return nil
}

// Find implements Browser.
func (c *Chromium) Find(ctx context.Context, css string) (Element, error) {
	el, err := c.find(ctx, css)
	if err != nil {
		return nil, err
	}
	return el, nil
}

func (c *Chromium) find(ctx context.Context, css string) (*chromiumElement, error) {
	found, err := evaluate[*runtime.RemoteObject](ctx, c, c.frame, `css => document.querySelector(css)`, css)
	if err != nil {
		return nil, fmt.Errorf("looking for %q: %w", css, err)
	}
	if found.ObjectID == "" {
		return nil, fmt.Errorf("nothing matches %q", css)
	}
	return &chromiumElement{c, found.ObjectID}, nil
}

// FindAll implements Browser.
func (c *Chromium) FindAll(ctx context.Context, css string) ([]Element, error) {
	list, err := evaluate[*runtime.RemoteObject](ctx, c, c.frame, `css => [...document.querySelectorAll(css)]`, css)
	if err != nil {
		return nil, fmt.Errorf("looking for all %q: %w", css, err)
	}
	own := true
	res, err := chromedp.Call(c.in(ctx), runtime.GetProperties,
		runtime.GetPropertiesParams{ObjectID: list.ObjectID, OwnProperties: &own})
	if err != nil {
		return nil, fmt.Errorf("looking for all %q: %w", css, err)
	}
	var all []Element
	for _, p := range res.Result {
		if _, err := strconv.Atoi(p.Name); err == nil && p.Value != nil { // the others: "length"
			all = append(all, &chromiumElement{c, p.Value.ObjectID})
		}
	}
	return all, nil
}

// evaluate calls a function in a frame's isolated world: one that sees the
// document but not the page's scripts, and that runs while those are off.
func evaluate[T any](ctx context.Context, c *Chromium, frame cdp.FrameID, function string, args ...any) (T, error) {
	var none T
	info, err := c.frameInfo(ctx, frame)
	if err != nil {
		return none, err
	}
	world, err := chromedp.Call(c.in(ctx), page.CreateIsolatedWorld,
		page.CreateIsolatedWorldParams{FrameID: info.ID, WorldName: "test"})
	if err != nil {
		return none, err
	}
	in := func(p *runtime.CallFunctionOnParams) { p.ExecutionContextID = world.ExecutionContextID }
	return chromedp.Run(c.in(ctx), chromedp.CallFunctionOn[T](function, in, args...))
}

// frameInfo returns what Chromium knows of a frame, the top one if id is "".
func (c *Chromium) frameInfo(ctx context.Context, id cdp.FrameID) (*cdp.Frame, error) {
	res, err := chromedp.Call(c.in(ctx), page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return nil, fmt.Errorf("listing the frames: %w", err)
	}
	trees := []*page.FrameTree{res.FrameTree}
	for len(trees) > 0 {
		tree := trees[0]
		if id == "" || tree.Frame.ID == id {
			return tree.Frame, nil
		}
		trees = append(trees[1:], tree.ChildFrames...)
	}
	return nil, fmt.Errorf("the frame is gone")
}

// document names the current frame's document by the identifier of its loading.
func (c *Chromium) document(ctx context.Context) (d document, err error) {
	info, err := c.frameInfo(ctx, c.frame)
	if err != nil {
		return d, err
	}
	state, err := evaluate[string](ctx, c, c.frame, `() => document.readyState`)
	return document{string(info.LoaderID), state == "complete", info.UnreachableURL != ""}, err
}

// Select implements Browser. Chromium's list of options is no part of the page
// that a mouse could reach, so the choice is made by a script.
func (c *Chromium) Select(ctx context.Context, css, value string) error {
	el, err := c.find(ctx, css)
	if err != nil {
		return err
	}
	found, err := on[bool](ctx, el, `function(value) {
		const option = [...this.options].find(o => o.value === value);
		if (!option) return false;
		option.selected = true;
		for (const e of ["input", "change"]) this.dispatchEvent(new Event(e, {bubbles: true}));
		return true;
	}`, value)
	if err == nil && !found {
		err = fmt.Errorf("it has no option %q", value)
	}
	return about(css, "selecting in", err)
}

// AttachFiles implements Browser.
func (c *Chromium) AttachFiles(ctx context.Context, css string, files []UploadFile) error {
	el, err := c.find(ctx, css)
	if err == nil {
		err = about(css, "attaching files to", el.attach(ctx, files))
	}
	return err
}
