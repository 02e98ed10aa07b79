package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sourdine/journalist-ui/pickup"
	"sourdine/submit"
	"sourdine/vault/admin"
)

const (
	// memoryTarget makes the collector work before the process grows: fifty
	// uploads of 100 MiB at once stay below 128 MiB.
	memoryTarget = 96 << 20

	headerPatience = time.Minute
	idlePatience   = 2 * time.Minute
	maxHeaderBytes = 16 << 10

	// farewell is how long answers may take to end after an interrupt.
	farewell = 3 * time.Second
)

// A server is a home that is being served.
type server struct {
	home  admin.Home
	local *admin.Local
	say   func(format string, args ...any)
	event func(name string)

	mu      sync.Mutex
	sites   map[string]admin.SiteStatus
	rosters chan struct{} // told when reviewers change
}

func serve(ctx context.Context, o serveOptions, out, errOut io.Writer) error {
	if err := forbidCoreDumps(); err != nil {
		return err
	}
	debug.SetMemoryLimit(memoryTarget)
	home, err := admin.OpenHome(o.home)
	if err != nil {
		return err
	}
	local, err := admin.Open(home)
	if err != nil {
		return err
	}
	s := newServer(home, local, out, errOut)
	return errors.Join(s.run(ctx, o), local.Close())
}

func newServer(home admin.Home, local *admin.Local, out, errOut io.Writer) *server {
	var mu sync.Mutex
	line := func(w io.Writer, format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(w, format+"\n", args...)
	}
	s := &server{
		home: home, local: local,
		say:     func(format string, args ...any) { line(out, format, args...) },
		event:   func(name string) { line(errOut, "%s", name) },
		sites:   make(map[string]admin.SiteStatus),
		rosters: make(chan struct{}, 1),
	}
	local.Serving = s.status
	local.RosterChanged = func() {
		select {
		case s.rosters <- struct{}{}:
		default: // one is waiting already
		}
	}
	return s
}

// run serves until ctx ends or something that cannot be mended fails.
func (s *server) run(ctx context.Context, o serveOptions) error {
	// Events have fixed names and never anything from a request (promise 5).
	source, err := submit.New(submit.Config{Vault: s.local.Vault(), Limits: submit.DefaultLimits, Event: s.event})
	if err != nil {
		return err
	}
	reviewers, err := pickup.New(s.local.ExportParcel, s.event)
	if err != nil {
		return err
	}
	control, err := admin.ListenControl(s.home)
	if err != nil {
		return err
	}
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.Go(func() error { return s.local.ServeControl(ctx, control) })
	forget := newForgetter()
	tasks.Go(func() error { return forget.run(ctx) })
	for _, site := range []struct {
		name    string
		listen  string
		handler http.Handler
	}{
		{admin.SourceSite, o.listen, forget.after(source.Handler())},
		{admin.PickupSite, o.pickupListen, reviewers.Handler()},
	} {
		listeners, err := s.listeners(site.name, site.listen, o.tor != "off")
		if err != nil {
			return errors.Join(err, control.Close())
		}
		tasks.Go(func() error { return serveHTTP(ctx, site.handler, listeners) })
	}
	if o.tor != "off" {
		tasks.Go(func() error { return s.keepTor(ctx, o) })
	}
	return tasks.Wait()
}

// listeners opens where a site is reached: a unix socket for tor, and a
// loopback address when one is given.
func (s *server) listeners(site, address string, forTor bool) ([]net.Listener, error) {
	var listeners []net.Listener
	if forTor {
		l, err := listenUnix(s.home.Socket(site))
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, l)
	}
	if address != "" {
		l, err := listenLoopback(address)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, l)
		local := "http://" + l.Addr().String() + "/"
		s.note(site, func(status *admin.SiteStatus) { status.Local = local })
		s.say("%s %s", site, local)
	}
	return listeners, nil
}

func listenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("failed to open a site's socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("failed to open a site's socket: %w", err)
	}
	return l, nil
}

// listenLoopback refuses every other address: a site that is reached without
// Tor sees its sources' addresses.
func listenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address of the form 127.0.0.1:PORT", address)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%q is not a loopback address: only Tor may carry sources here", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("failed to listen: %w", err)
	}
	return l, nil
}

// serveHTTP serves on all listeners until ctx ends, then lets answers end.
func serveHTTP(ctx context.Context, handler http.Handler, listeners []net.Listener) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerPatience,
		IdleTimeout:       idlePatience,
		MaxHeaderBytes:    maxHeaderBytes,
		// net/http's own log has addresses and panic values.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	tasks, ctx := errgroup.WithContext(ctx)
	for _, l := range listeners {
		tasks.Go(func() error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("a site stopped: %w", err)
			}
			return nil
		})
	}
	tasks.Go(func() error {
		<-ctx.Done()
		graceful, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if err := server.Shutdown(graceful); err != nil {
			return server.Close() // an upload that still runs is cut off
		}
		return nil
	})
	return tasks.Wait()
}

// note changes what status tells of a site.
func (s *server) note(site string, change func(*admin.SiteStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := s.sites[site]
	status.Site = site
	change(&status)
	s.sites[site] = status
}

// status adds to the vault's status what only a running server knows.
func (s *server) status(status *admin.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range []string{admin.SourceSite, admin.PickupSite} {
		if site, ok := s.sites[name]; ok {
			status.Sites = append(status.Sites, site)
		}
	}
}
