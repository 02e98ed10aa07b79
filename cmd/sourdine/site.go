package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"sourdine/vault/admin"
)

const (
	headerPatience = time.Minute
	idlePatience   = 2 * time.Minute
	maxHeaderBytes = 16 << 10

	// farewell is how long answers may take to end after an interrupt.
	farewell = 3 * time.Second
)

// A site is what one of the two sites is reached by.
type site struct {
	name      string
	address   string // on loopback, may be empty
	handler   http.Handler
	listeners []net.Listener
}

// listen opens a unix socket for tor, and the loopback address when one is
// given.
func (at *site) listen(home admin.Home, forTor bool) error {
	if forTor {
		l, err := home.Listen(at.name)
		if err != nil {
			return err
		}
		at.listeners = append(at.listeners, l)
	}
	if at.address != "" {
		l, err := net.Listen("tcp", at.address)
		if err != nil {
			return fmt.Errorf("failed to listen: %w", err)
		}
		at.listeners = append(at.listeners, l)
	}
	return nil
}

func closeAll(sites []site) error {
	var err error
	for _, at := range sites {
		for _, l := range at.listeners {
			err = errors.Join(err, l.Close())
		}
	}
	return err
}

// offer says where a site is reached on loopback.
func (s *server) offer(at site) {
	if at.address == "" {
		return
	}
	local := "http://" + at.listeners[len(at.listeners)-1].Addr().String() + "/"
	s.note(at.name, func(status *admin.SiteStatus) { status.Local = local })
	s.say("%s %s", at.name, local)
}

// checkLoopback refuses every other address: a site that is reached without Tor
// sees its sources' addresses.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not an address of the form 127.0.0.1:PORT", address)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%q is not a loopback address: only Tor may carry sources here", address)
	}
	return nil
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
