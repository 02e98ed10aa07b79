package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A finder is what the verbs that are alike in both browsers are made of.
type finder interface {
	Find(ctx context.Context, css string) (Element, error)
	document(ctx context.Context) (document, error)
	gone() <-chan struct{}
}

// A document is the state of the one in the current frame.
type document struct {
	id     string // changes when another document replaces it
	loaded bool
	failed bool // the browser's own page about a failure
}

// verbs gives a finder the methods of Browser that name an element by its selector.
type verbs struct{ finder }

func (v verbs) Click(ctx context.Context, css string) error {
	el, err := v.Find(ctx, css)
	if err != nil {
		return err
	}
	return about(css, "clicking", el.Click(ctx))
}

func (v verbs) Type(ctx context.Context, css, text string) error {
	el, err := v.Find(ctx, css)
	if err != nil {
		return err
	}
	return about(css, "typing into", el.Type(ctx, text))
}

func (v verbs) Text(ctx context.Context, css string) (string, error) {
	return v.read(ctx, css, func(el Element) (string, error) { return el.Text(ctx) })
}

func (v verbs) Attribute(ctx context.Context, css, name string) (string, error) {
	return v.read(ctx, css, func(el Element) (string, error) { return el.Attribute(ctx, name) })
}

// read tries again when a frame that refreshes itself took the element away
// between finding and reading it.
func (v verbs) read(ctx context.Context, css string, get func(Element) (string, error)) (text string, err error) {
	for range 3 {
		var el Element
		if el, err = v.Find(ctx, css); err != nil {
			return "", err
		}
		if text, err = get(el); err == nil || ctx.Err() != nil {
			break
		}
	}
	return text, about(css, "reading", err)
}

func (v verbs) Follow(ctx context.Context, css string) error {
	before, err := v.document(ctx)
	if err != nil {
		return err
	}
	if err := v.Click(ctx, css); err != nil {
		return err
	}
	var now document
	err = v.poll(ctx, fmt.Sprintf("a page behind %q", css), func() (err error) {
		if now, err = v.document(ctx); err == nil && (now.id == before.id || !now.loaded) {
			err = errors.New("not yet")
		}
		return err
	})
	if err == nil && now.failed {
		err = fmt.Errorf("the page behind %q could not be reached", css)
	}
	return err
}

func (v verbs) WaitFor(ctx context.Context, css string) error {
	return v.poll(ctx, fmt.Sprintf("%q", css), func() error {
		_, err := v.Find(ctx, css)
		return err
	})
}

func (v verbs) WaitText(ctx context.Context, css, want string) error {
	return v.poll(ctx, fmt.Sprintf("%q in %q", want, css), func() error {
		text, err := v.Text(ctx, css)
		if err == nil && !strings.Contains(text, want) {
			err = fmt.Errorf("it reads %.200q", text)
		}
		return err
	})
}

// poll tries until it works. Every failure may be a document in the middle of
// being replaced, so the last one is told only when the context ends.
func (v verbs) poll(ctx context.Context, what string, try func() error) error {
	var last error
	for {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			if last == nil {
				last = errors.New("no time to look")
			}
			return fmt.Errorf("waiting for %s: %w (%v)", what, ctx.Err(), last)
		case <-v.gone():
			return fmt.Errorf("waiting for %s: the browser ended", what)
		case <-time.After(pollEvery):
		}
	}
}

func about(css, doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s %q: %w", doing, css, err)
	}
	return nil
}
