package browser

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

const firefoxPath = "/usr/bin/firefox-esr"

// Firefox is a headless Firefox ESR with one tab.
type Firefox struct {
	verbs
	profile profile
	proc    *process
	wire    *marionette
}

// StartFirefox returns a browser that shows an empty page. ctx bounds the start,
// not the browser's life, which ends with Close. It is an error, with a hint how
// to install it, if Firefox ESR is absent.
func StartFirefox(ctx context.Context, o Options) (*Firefox, error) {
	p, err := openProfile(o.Profile)
	if err != nil {
		return nil, err
	}
	f := &Firefox{profile: p}
	f.verbs = verbs{f}
	if err := f.start(ctx, o.withDefaults()); err != nil {
		return nil, errors.Join(fmt.Errorf("starting Firefox: %w", err), f.Close())
	}
	return f, nil
}

func (f *Firefox) start(ctx context.Context, o Options) (err error) {
	if err := writePrefs(f.profile, o); err != nil {
		return err
	}
	portFile := filepath.Join(f.profile.dir, "MarionetteActivePort")
	_ = os.Remove(portFile) // of an earlier start
	f.proc, err = startProcess(f.profile, "firefox-esr", nil, firefoxPath,
		"--headless", "--no-remote", "--marionette", "--profile", f.profile.dir)
	if err != nil {
		return err
	}
	port, err := f.proc.waitFile(ctx, portFile)
	if err != nil {
		return err
	}
	f.wire, err = dialMarionette(ctx, net.JoinHostPort("127.0.0.1", strings.TrimSpace(port)))
	if err != nil {
		return f.proc.explain(err)
	}
	const day = 24 * 60 * 60 * 1000 // milliseconds; contexts are what bounds a wait
	err = f.call(ctx, "WebDriver:NewSession", map[string]any{"capabilities": map[string]any{
		"alwaysMatch": map[string]any{"timeouts": map[string]any{"pageLoad": day, "script": day}},
	}}, nil)
	if err != nil {
		return err
	}
	return f.resize(ctx, o.Width, o.Height)
}

// resize makes the visible part of the page width by height. A window is set with
// its borders, so they are measured first; the last turn checks.
func (f *Firefox) resize(ctx context.Context, width, height int) error {
	for range 3 {
		var w struct{ InX, InY, OutX, OutY int }
		err := f.script(ctx, `return {InX: window.innerWidth, InY: window.innerHeight, OutX: window.outerWidth, OutY: window.outerHeight}`, nil, &w)
		if err != nil {
			return err
		}
		if w.InX == width && w.InY == height {
			return nil
		}
		rect := map[string]int{"width": w.OutX + width - w.InX, "height": w.OutY + height - w.InY}
		if err := f.call(ctx, "WebDriver:SetWindowRect", rect, nil); err != nil {
			return err
		}
	}
	return fmt.Errorf("no window shows a page of %d by %d pixels", width, height)
}

// script runs a function's body in the current frame, in a privileged world of its
// own, whatever the page may do itself.
func (f *Firefox) script(ctx context.Context, body string, args []any, result any) error {
	if args == nil {
		args = []any{}
	}
	return f.value(ctx, "WebDriver:ExecuteScript",
		map[string]any{"script": body, "args": args, "sandbox": "system"}, result)
}

// value is call for the commands that wrap their result in {"value": …}.
func (f *Firefox) value(ctx context.Context, command string, params, result any) error {
	wrapped := struct {
		Value any `json:"value"`
	}{result}
	return f.call(ctx, command, params, &wrapped)
}

// call is marionette's, with what Firefox printed last if it has ended: it says
// there why it crashed.
func (f *Firefox) call(ctx context.Context, command string, params, result any) error {
	err := f.wire.call(ctx, command, params, result)
	select {
	case <-f.wire.done:
		return f.proc.explain(err)
	default:
		return err
	}
}

func (f *Firefox) gone() <-chan struct{} { return f.wire.done }

// Close ends Firefox and removes its temporary files.
func (f *Firefox) Close() error {
	if f.wire != nil {
		f.wire.conn.Close()
		<-f.wire.done
	}
	var err error
	if f.proc != nil {
		err = f.proc.stop()
	}
	return errors.Join(err, f.profile.close())
}
