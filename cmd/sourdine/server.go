package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sourdine/journalist-ui/pickup"
	"sourdine/submit"
	"sourdine/vault"
	"sourdine/vault/admin"
)

const (
	// memoryTarget makes the collector work before the process grows: fifty
	// uploads of 100 MiB at once stay below 128 MiB.
	memoryTarget = 88 << 20

	// garbagePercent lets garbage grow to four times what is in use, as long as
	// memoryTarget is far: fewer collections, a tenth less CPU.
	garbagePercent = 400
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
	debug.SetGCPercent(garbagePercent)
	home, err := admin.OpenHome(o.home)
	if err != nil {
		return err
	}
	local, err := openPatiently(ctx, home)
	if err != nil {
		return err
	}
	if err := local.CheckKey(); err != nil {
		return errors.Join(err, local.Close())
	}
	s := newServer(home, local, out, errOut)
	return errors.Join(s.run(ctx, o), local.Close())
}

// handover is how long a new server waits for the one before it: closing a vault
// empties its free pages, and a kernel takes its time with who was killed.
const handover = 3 * time.Second

// openPatiently waits for another program to let go of the vault, unless that one
// serves it and answers.
func openPatiently(ctx context.Context, home admin.Home) (*admin.Local, error) {
	for began := time.Now(); ; {
		local, err := admin.Open(home) // which waits for a second
		if !errors.Is(err, vault.ErrLocked) || ctx.Err() != nil || time.Since(began) > handover || home.IsServed() {
			return local, err
		}
	}
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
	reviewers, err := pickup.New(reviewersSide{s.local}, s.event)
	if err != nil {
		return err
	}
	defer reviewers.Close()
	forget := newForgetter()
	sites := []site{
		{name: admin.SourceSite, address: o.listen, handler: forget.after(source.Handler())},
		{name: admin.PickupSite, address: o.pickupListen, handler: reviewers.Handler()},
	}
	control, err := admin.ListenControl(s.home)
	if err != nil {
		return err
	}
	for i := range sites {
		if err := sites[i].listen(s.home, o.tor != "off"); err != nil {
			return errors.Join(err, control.Close(), closeAll(sites))
		}
	}
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.Go(func() error { return s.local.ServeControl(ctx, control) })
	tasks.Go(func() error { s.local.Maintain(ctx, s.event); return nil })
	tasks.Go(func() error { return forget.run(ctx) })
	tasks.Go(func() error { return s.watchVault(ctx) })
	tasks.Go(func() error {
		s.local.Upkeep(ctx, s.event)
		return nil
	})
	for _, at := range sites {
		s.offer(at)
		tasks.Go(func() error { return serveHTTP(ctx, at.handler, at.listeners) })
	}
	if o.tor != "off" {
		tasks.Go(func() error { return s.keepTor(ctx, o) })
	}
	return tasks.Wait()
}

// lookPause is how often serve looks whether its home is where it was.
const lookPause = 2 * time.Second

// watchVault ends serve when a write of unknown outcome stopped the vault:
// started again, it finds out what reached the disk. A home that is gone does not
// end it: moved back, it goes on, and of one that was deleted this program's open
// files are all that is left.
func (s *server) watchVault(ctx context.Context) error {
	look := time.NewTicker(lookPause)
	defer look.Stop()
	for gone := false; ; {
		select {
		case <-s.local.Vault().Failed():
			return vault.ErrFailed
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		was := gone
		gone = s.local.Vault().InPlace() != nil
		switch {
		case gone && !was:
			s.event("home_gone")
			s.event(fmt.Sprintf(goneText, os.Getpid())) // for whoever did it
		case was && !gone:
			s.event("home_back")
		}
	}
}

// goneText: the admin reads it in the log.
const goneText = `the home was moved or deleted: nothing is accepted until it is back
  if it was deleted, do not stop this program: ls -l /proc/%d/fd shows its files,
  vault.db and vault.slots, which can still be copied from there`

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
