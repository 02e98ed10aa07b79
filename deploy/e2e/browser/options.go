package browser

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// A port that nothing listens on (RFC 863, discard): where requests go that must fail.
const nowhere = "127.0.0.1:9"

// Options says how to start a browser. The zero value is a browser without
// scripts, in English, that reaches loopback only.
type Options struct {
	// Profile is the folder of the browser's profile, made if absent and left
	// behind by Close. "" is a fresh one, which Close removes.
	Profile string
	// SOCKS is the IP:PORT of a SOCKS5 proxy on loopback; names are resolved there.
	SOCKS string
	// Width and Height are the visible part of the page, in pixels; 1000 by 900 if
	// 0. Both browsers can be as narrow as 200.
	Width, Height int
	// Languages is the user's order of preference, such as "fr,en"; "en-US,en" if "".
	Languages string
	// JavaScript leaves the pages' scripts on.
	JavaScript bool
}

// proxy returns host and port of where requests beyond loopback go.
func (o Options) proxy() (host string, port int, err error) {
	addr := o.SOCKS
	if addr == "" {
		addr = nowhere
	}
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("SOCKS address: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", 0, fmt.Errorf("SOCKS address %s is not on loopback", addr)
	}
	port, err = strconv.Atoi(p)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("SOCKS address %s has no valid port", addr)
	}
	return host, port, nil
}

func (o Options) withDefaults() Options {
	if o.Width == 0 {
		o.Width = 1000
	}
	if o.Height == 0 {
		o.Height = 900
	}
	if o.Languages == "" {
		o.Languages = "en-US,en"
	}
	return o
}

// A profile is where a browser lives: its profile, which is also its HOME, and a
// folder of our own for the rest. The latter's path is short whatever the former's
// is, since Chromium puts a Unix socket there (108 bytes at most, unix(7)).
type profile struct{ dir, own string }

func openProfile(dir string) (p profile, err error) {
	if p.own, err = os.MkdirTemp("", "browser-"); err != nil {
		return profile{}, fmt.Errorf("making the browser's profile: %w", err)
	}
	if dir == "" {
		dir = filepath.Join(p.own, "profile")
	}
	p.dir, err = filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(p.dir, 0o700)
	}
	if err != nil {
		return profile{}, errors.Join(fmt.Errorf("making the browser's profile: %w", err), p.close())
	}
	return p, nil
}

// env is all the environment that a browser gets: no proxy variables, no session
// bus, no crash reporter, no display. TMPDIR is also how its processes are known.
func (p profile) env() []string {
	return []string{
		"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
		"LANG=C.UTF-8",
		"HOME=" + p.dir,
		p.mark(),
		"DBUS_SESSION_BUS_ADDRESS=disabled:",
		"MOZ_CRASHREPORTER_DISABLE=1",
		// Firefox then crashes rather than connect beyond loopback and private
		// networks, and lets its settings server be switched off.
		"MOZ_DISABLE_NONLOCAL_CONNECTIONS=1",
	}
}

func (p profile) mark() string { return "TMPDIR=" + p.own }

func (p profile) close() error {
	if err := os.RemoveAll(p.own); err != nil {
		return fmt.Errorf("removing the browser's temporary files: %w", err)
	}
	return nil
}
